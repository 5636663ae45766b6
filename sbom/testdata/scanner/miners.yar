rule miner_generic
{
    meta:
        description = "a program that speaks to a mining pool"
    strings:
        $protocol1 = "stratum+tcp://" ascii wide
        $protocol2 = "mining.subscribe"
        $option1 = "donate-level" nocase
        $option2 = "cpu-max-threads-hint"
        $name = "xmrig"
        $algorithm = "cryptonight"
        $pool = "moneroocean.stream"
    condition:
        uint32(0) == 0x464c457f and 2 of them
}
