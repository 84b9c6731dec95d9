package main

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"runtime/debug"
	"strings"

	"longtail/eval/serve"
	"longtail/eval/status"
	"longtail/internal/config/grid"
	"longtail/internal/fail"
	"longtail/train/sweep/slurm"

	"github.com/spf13/cobra"
)

// serveOptions are the flags of the serve command.
type serveOptions struct {
	*options
	addr  string
	token string
}

// softMemory is where the collector begins to work harder: reading a thousand runs leaves much behind that is needed once.
const softMemory = 48 << 20

// shortestToken is how many characters a token that a user chooses must have.
const shortestToken = 12

func newServeCommand(o *options) *cobra.Command {
	s := &serveOptions{options: o}
	cmd := &cobra.Command{
		Use:   "serve [FOLDER]",
		Short: "A live page about the runs of a folder",
		Long: `Serves a page that shows the runs at or below FOLDER ("runs" without one) while they train: progress, curves, accuracy of
each class, confusion, comparisons, the paper's table, and the errors of failed runs. It only reads, and asks the network for
nothing.

It answers at 127.0.0.1:6007, which only this machine reaches. At another --addr the page wants a token: that of --token, or
one that is made up and printed. The page is plain HTTP; from elsewhere, prefer ssh -L 6007:127.0.0.1:6007 HOST.

Ctrl-C stops it, with exit code 0: it is how the command is meant to end.`,
		Example: `  longtail serve
  longtail serve runs/paper/table2 --addr 0.0.0.0:8080`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return s.run(cmd, args) },
	}
	f := cmd.Flags()
	f.StringVar(&s.addr, "addr", "127.0.0.1:6007", "HOST:PORT to answer at; port 0 takes a free one")
	f.StringVar(&s.token, "token", "", "what clients must know (default: none on this machine alone, else one that is made up)")
	return cmd
}

func (s *serveOptions) run(cmd *cobra.Command, args []string) error {
	folder := grid.DefaultOut
	if len(args) > 0 {
		folder = args[0]
	}
	if s.token != "" && len(s.token) < shortestToken {
		return fail.Usage("--token: it has %d characters and can be guessed\ngive at least %d, or leave --token out: one is made up", len(s.token), shortestToken)
	}
	if _, _, err := net.SplitHostPort(s.addr); err != nil {
		return fail.Usage("--addr %s: %w\ngive HOST:PORT, such as 127.0.0.1:6007", s.addr, err)
	}
	if s.token == "" && !serve.Loopback(s.addr) {
		s.token = serve.NewToken()
	}
	if s.dryRun {
		fmt.Fprintf(cmd.OutOrStdout(), "would serve %s at %s\n", folder, s.addr)
		return nil
	}
	l, err := net.Listen("tcp", s.addr)
	if err != nil {
		return fmt.Errorf("--addr %s: %w\nchoose another one, such as --addr 127.0.0.1:0 for any free port", s.addr, err)
	}
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		return errors.Join(err, l.Close())
	}
	host, _, _ := net.SplitHostPort(s.addr) // checked above
	server, err := serve.New(serve.Options{
		Folder: folder, Addr: net.JoinHostPort(host, port), Token: s.token, Logs: slurm.Folder,
		Status: status.Options{Queue: status.Every(queueInterval, slurm.Jobs)},
	})
	if err != nil {
		return errors.Join(err, l.Close())
	}
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(softMemory)
	}
	fmt.Fprintln(cmd.OutOrStdout(), address(host, port, s.token))
	fmt.Fprintf(s.messages(cmd), "serving the runs in %s; Ctrl-C stops it\n", folder)
	return server.Serve(cmd.Context(), l)
}

// address is where a browser finds the page. A host that stands for all addresses of the machine is replaced by one that it has.
func address(host, port, token string) string {
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = outside()
	}
	to := url.URL{Scheme: "http", Host: net.JoinHostPort(host, port), Path: "/"}
	if token != "" {
		to.RawQuery = url.Values{"token": {token}}.Encode()
	}
	return to.String()
}

// outside is an address of this machine that others may reach, else localhost.
func outside() string {
	addresses, _ := net.InterfaceAddrs() // without any: localhost
	for _, a := range addresses {
		if n, ok := a.(*net.IPNet); ok && n.IP.IsGlobalUnicast() && !strings.Contains(n.IP.String(), ":") {
			return n.IP.String()
		}
	}
	return "localhost"
}
