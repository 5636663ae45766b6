package sbom

import (
	"fmt"
	"math"
)

// shape is how a program's file is laid out, by its headers: where its code is, and where it ends. It gathers
// how the bytes of the code are spread while they stream by.
type shape struct {
	// code are the parts of the file that are run, in bytes from its start; end is where the last part of any
	// kind ends, 0 if unknown.
	code []span
	end  int64
	// bare tells that there is no table of sections: no compiler leaves it out, packers do.
	bare bool
	// packer is what the names of sections say.
	packer string
	// ended tells that what stands at the end was looked at.
	ended bool

	inCode, behind sample
}

// sample counts how often each byte stands in a part of a file.
type sample struct {
	counts [256]uint32
	total  int64
}

// span is a part of a file.
type span struct{ begin, end int64 }

// The bytes of code are counted in samples: the first of every so many.
const (
	sampleEvery = 4096
	sampleSize  = 1024
)

// minBehind is how many bytes behind a program's end are more than a signature, or what a linker leaves there.
const minBehind = 64 << 10

// What the bytes of code never reach, in bits a byte, and how many of them have to be counted to say so.
// Compilers make 5 to 6.7 of every architecture; what is compressed or encrypted has above 7.6.
const (
	packedEntropy = 7.2
	enoughSamples = 4096
)

// shapeOf reads the headers at the begin of a program.
func shapeOf(head []byte) shape {
	if s, ok := elfShape(head); ok {
		return s
	}
	s, _ := peShape(head)
	return s
}

// add counts the bytes of data, which stands at an offset of the file, in its code and behind its end.
func (s *shape) add(data []byte, offset int64) {
	for _, part := range s.code {
		s.inCode.add(part, data, offset)
	}
	if s.end > 0 {
		s.behind.add(span{s.end, math.MaxInt64}, data, offset)
	}
}

// add counts the samples of what data has of a part of the file.
func (c *sample) add(part span, data []byte, offset int64) {
	begin, end := max(part.begin, offset), min(part.end, offset+int64(len(data)))
	for at := begin; at < end; {
		into := at % sampleEvery
		if into >= sampleSize {
			at += sampleEvery - into
			continue
		}
		stop := min(end, at-into+sampleSize)
		for _, b := range data[at-offset : stop-offset] {
			c.counts[b]++
		}
		c.total += stop - at
		at = stop
	}
}

// entropy is how much each of the counted bytes says, in bits; 0 if too few were counted.
func (c *sample) entropy(enough int64) float64 {
	if c.total < enough {
		return 0
	}
	sum := 0.0
	for _, n := range c.counts {
		if n > 0 {
			p := float64(n) / float64(c.total)
			sum -= p * math.Log2(p)
		}
	}
	return sum
}

// packed says why the program is not what its compiler made; nil if nothing says so.
func (s *shape) packed() []Mark {
	var marks []Mark
	mark := func(format string, args ...any) {
		marks = append(marks, Mark{By: byLayout, Text: fmt.Sprintf(format, args...), Offset: s.code[0].begin})
	}
	if len(s.code) == 0 {
		return nil
	}
	if s.packer != "" {
		mark("a section is called %s", s.packer)
	}
	if e := s.inCode.entropy(enoughSamples); e >= packedEntropy {
		mark("its code has %.2f bits a byte", e)
	}
	if len(marks) > 0 && s.bare {
		mark("it has no table of sections")
	}
	return marks
}

// carries says that what stands behind the end of a program, or of a script, was packed; nil if nothing says so.
func (s *shape) carries() []Mark {
	e := s.behind.entropy(minBehind / sampleEvery * sampleSize)
	if e < packedEntropy {
		return nil
	}
	return []Mark{{By: byLayout, Text: fmt.Sprintf("what is behind its end has %.2f bits a byte", e), Offset: s.end}}
}
