package sweep

import (
	"context"
	"fmt"
	"strings"

	"longtail/internal/fail"
)

// Verdict is the error of a whole sweep: interrupted, failures of runs, or runs that another process still has.
func Verdict(ctx context.Context, plans []Plan, results []Result) error {
	count := map[State]int{}
	for _, r := range results {
		count[r.State]++
	}
	if ctx.Err() != nil && count[Interrupted]+count[New]+count[Begun] > 0 {
		return fail.Interrupted("interrupted with %d of %d runs done; what the others have is saved", count[Done], len(results))
	}
	if count[Failed] > 0 {
		return fmt.Errorf("%d of %d runs failed:\n%s\nthe same command tries them again and leaves what is done as it is",
			count[Failed], len(results), strings.Join(failures(plans, results), "\n"))
	}
	if n := count[Elsewhere]; n > 0 {
		return fmt.Errorf("%d of %d runs are not done: another process is at work on them\nthe same command, once it has ended, finds them done or resumes them", n, len(results))
	}
	return nil
}

// failures are the errors of runs; many runs with the same one, such as missing images, are one line.
func failures(plans []Plan, results []Result) []string {
	var texts []string
	names := map[string][]string{} // by text
	for i, r := range results {
		if r.State != Failed {
			continue
		}
		text := strings.ReplaceAll(r.Err.Error(), "\n", "\n    ")
		if names[text] == nil {
			texts = append(texts, text)
		}
		names[text] = append(names[text], plans[i].Name)
	}
	for i, text := range texts {
		who := names[text][0]
		if more := len(names[text]) - 1; more > 0 {
			who += fmt.Sprintf(" and %d more", more)
		}
		texts[i] = "  " + who + ": " + text
	}
	return texts
}
