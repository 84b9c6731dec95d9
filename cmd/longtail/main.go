// Command longtail trains ResNets on long-tailed CIFAR with class-balanced losses, and compares what came out.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	// A terminal or a reader that goes away ends a run like Ctrl-C, with its state saved.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGPIPE)
	code := Execute(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}
