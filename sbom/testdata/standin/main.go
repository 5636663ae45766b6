// Program standin has the tell-tale words of a miner and mines nothing.
package main

import (
	"flag"
	"fmt"
)

func main() {
	pool := flag.String("url", "stratum+tcp://pool.example:3333", "pool address")
	algorithm := flag.String("algo", "randomx", "the algorithm: randomx or cryptonight")
	donate := flag.Int("donate-level", 1, "donate level in percent")
	flag.Parse()
	fmt.Println("mining.subscribe", *pool, *algorithm, *donate)
}
