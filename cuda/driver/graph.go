//go:build gpu

package driver

import (
	"errors"
	"runtime"
)

// Graph is captured work that a single call queues.
type Graph struct {
	context *Context
	graph   graph
	exec    executable
	nodes   int
}

// Capture records what body queues on s, and on streams that events draw in and bring back, without running it. During the capture the
// calling goroutine must not allocate, wait, or use Upload and Download: the driver refuses what cannot be captured. Launch parameters
// are recorded as they are; what changes between replays belongs in device memory.
func (s *Stream) Capture(body func() error) (*Graph, error) {
	runtime.LockOSThread() // a capture ends on the thread that began it
	defer runtime.UnlockOSThread()
	if err := s.context.do("beginning a capture", func() error { return beginCapture(s.handle) }); err != nil {
		return nil, err
	}
	failed := body()
	g := &Graph{context: s.context}
	ended := s.context.do("ending a capture", func() (err error) {
		g.graph, err = endCapture(s.handle)
		return err
	})
	if failed != nil || ended != nil {
		return nil, errors.Join(failed, ended, g.Close())
	}
	err := s.context.do("making a captured graph ready", func() (err error) {
		if g.nodes, err = nodes(g.graph); err != nil {
			return err
		}
		g.exec, err = instantiate(g.graph)
		return err
	})
	if err != nil {
		return nil, errors.Join(err, g.Close())
	}
	return g, nil
}

// Nodes is how many kernels, copies and fills the graph holds.
func (g *Graph) Nodes() int { return g.nodes }

// Launch queues the graph's work on s as a whole.
func (g *Graph) Launch(s *Stream) error {
	return g.context.do("launching a graph", func() error { return launchGraph(g.exec, s.handle) })
}

// Close frees the graph; it may be called once work in it has been done.
func (g *Graph) Close() error {
	return g.context.do("freeing a graph", func() error {
		var err error
		if g.exec != nil {
			err = destroyExecutable(g.exec)
		}
		if g.graph != nil {
			err = errors.Join(err, destroyGraph(g.graph))
		}
		g.exec, g.graph = nil, nil
		return err
	})
}
