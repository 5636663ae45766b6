package image

import (
	"context"
	"io"
)

// Buffers that a layer is unpacked into, and their size in bytes.
const (
	aheadBuffers = 4
	aheadSize    = 128 << 10
)

// aheadReader is a reader whose source is read in a goroutine of its own, some buffers ahead: a layer is
// unpacked while what was unpacked before is looked at. It ends with its context.
type aheadReader struct {
	ctx     context.Context
	full    chan ahead
	empty   chan []byte
	done    chan struct{} // closed when the goroutine is gone
	cancel  context.CancelFunc
	current []byte // what is left of buffer
	buffer  []byte
	err     error // that the source ended with
}

// ahead is what one reading gave.
type ahead struct {
	buffer []byte
	err    error
}

// readAhead begins to read. Came is called with every piece, whole, as soon as it is there, in the goroutine that
// reads, and may end it.
func readAhead(ctx context.Context, r io.Reader, came func(piece []byte) error) *aheadReader {
	a := &aheadReader{
		full:  make(chan ahead, aheadBuffers),
		empty: make(chan []byte, aheadBuffers),
		done:  make(chan struct{}),
	}
	a.ctx, a.cancel = context.WithCancel(ctx)
	for range aheadBuffers {
		a.empty <- make([]byte, aheadSize)
	}
	go a.run(r, came)
	return a
}

func (a *aheadReader) run(r io.Reader, came func(piece []byte) error) {
	defer close(a.done)
	for {
		var buffer []byte
		select {
		case buffer = <-a.empty:
		case <-a.ctx.Done():
			return
		}
		n, err := fill(r, buffer[:aheadSize])
		if over := came(buffer[:n]); over != nil {
			n, err = 0, over
		}
		a.full <- ahead{buffer[:n], err} // has room for all buffers
		if err != nil {
			return
		}
	}
}

// fill reads until the buffer is full or the reader ends. Unlike io.ReadFull it leaves errors as they are.
func fill(r io.Reader, buffer []byte) (n int, err error) {
	for n < len(buffer) && err == nil {
		var m int
		m, err = r.Read(buffer[n:])
		n += m
	}
	return n, err
}

func (a *aheadReader) Read(p []byte) (int, error) {
	for len(a.current) == 0 {
		if a.err != nil {
			return 0, a.err
		}
		a.next()
	}
	n := copy(p, a.current)
	a.current = a.current[n:]
	return n, nil
}

// next takes the next buffer, and gives the last one back.
func (a *aheadReader) next() {
	if a.buffer != nil {
		a.empty <- a.buffer
		a.buffer = nil
	}
	select {
	case got := <-a.full:
		a.buffer, a.current, a.err = got.buffer, got.buffer, got.err
	case <-a.ctx.Done():
		a.err = a.ctx.Err()
	}
}

// close ends the goroutine, and waits for that: afterwards nobody reads the source. A source that waits for a
// network has to be ended by ctx.
func (a *aheadReader) close() {
	a.cancel()
	<-a.done
}
