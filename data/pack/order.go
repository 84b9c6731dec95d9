package pack

import (
	"context"
	"runtime"

	"golang.org/x/sync/semaphore"
)

// decoding bounds the memory of the images that are decoded at a time, bytes; a larger one is decoded alone.
const decoding = 192 << 20

// result is a square, or why there is none.
type result struct {
	square []byte
	err    error
}

// inOrder decodes n images on all cores and gives each to take, in their order: its square, or the reason why it has none. An error of take, or
// of the context, ends it. memory is what square asks for room to decode in.
func inOrder(ctx context.Context, n int, square func(ctx context.Context, i int, memory *semaphore.Weighted) ([]byte, error), take func(i int, square []byte, bad error) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	memory := semaphore.NewWeighted(decoding)
	results := make(chan chan result, 4*runtime.GOMAXPROCS(0)) // in the order of the images
	free := make(chan struct{}, runtime.GOMAXPROCS(0))
	go func() {
		defer close(results)
		for i := range n {
			r := make(chan result, 1)
			select {
			case free <- struct{}{}:
			case <-ctx.Done():
				return
			}
			go func() {
				defer func() { <-free }()
				s, err := square(ctx, i, memory)
				r <- result{s, err}
			}()
			select {
			case results <- r:
			case <-ctx.Done():
				return
			}
		}
	}()
	i := 0
	for r := range results {
		if err := ctx.Err(); err != nil {
			return err
		}
		got := <-r
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := take(i, got.square, got.err); err != nil {
			return err
		}
		i++
	}
	return ctx.Err()
}
