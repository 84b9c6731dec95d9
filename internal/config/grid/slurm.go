package grid

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"longtail/internal/config"
	"longtail/internal/fail"

	"go.yaml.in/yaml/v3"
)

// Slurm is the section slurm of a sweep's file: what an element of its job array asks for. Empty fields are left to the cluster.
type Slurm struct {
	Partition  string
	Time       string // limit of an element, in one of Slurm's forms
	Gres       string // such as gpu:1
	CPUs       int    // of an element; 0: not given
	Mem        string // of an element, such as 16G
	Account    string
	QOS        string
	Constraint string
	Limit      int      // elements that run at once; 0: as many as there is room for
	Setup      []string // lines of bash before the program
	Extra      []string // further options of sbatch, such as --exclusive
}

// slurmPrefix begins an override of the section.
const slurmPrefix = "slurm."

// NoticeSeconds is how long before its time limit an element is told to save.
const NoticeSeconds = 120

// field is a key of the section: where its value goes, and what is wrong with one; exactly one of text, number and list is set.
type field struct {
	key    string
	text   *string
	number *int
	list   *[]string
	check  func(value string) (problem string) // of a text or of an item; nil: none
}

func (s *Slurm) fields() []field {
	return []field{
		{key: "partition", text: &s.Partition, check: word},
		{key: "time", text: &s.Time, check: checkTime},
		{key: "gres", text: &s.Gres, check: word},
		{key: "cpus", number: &s.CPUs},
		{key: "mem", text: &s.Mem, check: checkMemory},
		{key: "account", text: &s.Account, check: word},
		{key: "qos", text: &s.QOS, check: word},
		{key: "constraint", text: &s.Constraint, check: word},
		{key: "limit", number: &s.Limit},
		{key: "setup", list: &s.Setup},
		{key: "extra", list: &s.Extra, check: checkExtra},
	}
}

// readSlurm takes the section.
func (s *source) readSlurm(n *yaml.Node) error {
	if isNothing(n) {
		return nil
	}
	if n.Kind != yaml.MappingNode {
		return fail.Usage("%s: slurm is lines of \"key: value\", as in slurm: {partition: gpu, time: \"12:00:00\"}", s.place(n))
	}
	return s.pairs(n, func(name, value *yaml.Node) error {
		return s.slurm.set(name.Value, value, s.place(name), s.place(value))
	})
}

// overrideSlurm takes "KEY=VALUE" from the command line: text as it is, a list in brackets or its only item.
func (s *source) overrideSlurm(text string) error {
	key, value, ok := strings.Cut(text, "=")
	if !ok {
		return fail.Usage("%s: %q is not of the form %sKEY=VALUE", config.CommandLine, slurmPrefix+text, slurmPrefix)
	}
	n := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: value}
	if f, known := s.slurm.field(key); known && f.list != nil && strings.HasPrefix(value, "[") {
		var document yaml.Node
		if err := yaml.Unmarshal([]byte(value), &document); err != nil {
			return fail.Usage("%s: the value of %s is no YAML: %w", config.CommandLine, slurmPrefix+text, err)
		}
		n = document.Content[0]
	}
	return s.slurm.set(key, n, config.CommandLine, config.CommandLine)
}

func (s *Slurm) field(key string) (field, bool) {
	all := s.fields()
	i := slices.IndexFunc(all, func(f field) bool { return f.key == key })
	if i < 0 {
		return field{}, false
	}
	return all[i], true
}

// set sets a key; keyAt and at are the places of key and value for messages.
func (s *Slurm) set(key string, n *yaml.Node, keyAt, at string) error {
	f, known := s.field(key)
	if !known {
		var keys []string
		for _, f := range s.fields() {
			keys = append(keys, f.key)
		}
		return fail.Usage("%s: unknown key %s\nthe keys of slurm are %s", keyAt, fail.Quote(slurmPrefix+key), strings.Join(keys, ", "))
	}
	items := []*yaml.Node{n}
	if f.list != nil && n.Kind == yaml.SequenceNode {
		items, *f.list = n.Content, nil
	} else if f.list != nil {
		*f.list = nil
	}
	for _, item := range items {
		if item.Kind != yaml.ScalarNode || item.Tag == "!!null" {
			return fail.Usage("%s: %s%s: one value is wanted, not %s", at, slurmPrefix, key, config.KindOf(item))
		}
		if problem := f.assign(item); problem != "" {
			return fail.Usage("%s: %s%s=%s: %s", at, slurmPrefix, key, shown(item), problem)
		}
	}
	return nil
}

func shown(n *yaml.Node) string {
	if strings.IndexFunc(n.Value, unicode.IsControl) < 0 {
		return n.Value
	}
	return fail.Quote(n.Value)
}

// assign puts a scalar into the field, or appends it, or says what is wrong with it.
func (f *field) assign(n *yaml.Node) (problem string) {
	switch {
	case strings.IndexFunc(n.Value, func(r rune) bool { return unicode.IsControl(r) || r == unicode.ReplacementChar }) >= 0:
		return "it has line breaks or other control characters\ngive one line, and a list where there are several"
	case f.number != nil:
		v, err := strconv.Atoi(n.Value)
		if err != nil || v < 1 || v > 1<<20 {
			return "a whole number of at least 1 is wanted"
		}
		*f.number = v
		return ""
	case strings.TrimSpace(n.Value) == "":
		return "it is empty\nleave the key out to leave it to the cluster"
	}
	if f.check != nil {
		if problem := f.check(n.Value); problem != "" {
			return problem
		}
	}
	if f.list != nil {
		*f.list = append(*f.list, n.Value)
	} else {
		*f.text = n.Value
	}
	return ""
}

func word(value string) (problem string) {
	if strings.ContainsAny(value, " \"'\\`$") {
		return "a word without blanks and quotes is wanted"
	}
	return ""
}

var memory = regexp.MustCompile(`^[0-9]{1,12}[KMGTkmgt]?$`)

func checkMemory(value string) (problem string) {
	if !memory.MatchString(value) {
		return "a size is wanted: megabytes, or a number with K, M, G or T, such as 16G"
	}
	return ""
}

// slurmTime has the forms that sbatch takes: minutes, minutes:seconds, hours:minutes:seconds and days-hours[:minutes[:seconds]].
var slurmTime = regexp.MustCompile(`^(?:(\d{1,6})-(\d{1,6})(?::(\d{1,6})(?::(\d{1,6}))?)?|(?:(\d{1,6}):)?(\d{1,6}):(\d{1,6})|(\d{1,6}))$`)

func checkTime(value string) (problem string) {
	if slices.Contains([]string{"unlimited", "infinite"}, strings.ToLower(value)) {
		return ""
	}
	m := slurmTime.FindStringSubmatch(value)
	if m == nil {
		return "a time is wanted: minutes, hours:minutes:seconds or days-hours, such as 30, 12:00:00 or 2-0"
	}
	seconds := 0
	for i, unit := range []int{86400, 3600, 60, 1, 3600, 60, 1, 60} { // of the groups of slurmTime
		n, _ := strconv.Atoi(m[i+1]) // a group that is not there counts as none
		seconds += n * unit
	}
	if seconds <= 2*NoticeSeconds {
		return fmt.Sprintf("an element is told to save %d seconds before the limit, so that it would do next to nothing\ngive more than %d minutes, or unlimited", NoticeSeconds, 2*NoticeSeconds/60)
	}
	return ""
}

// ours are options of sbatch that every script sets.
var ours = []string{
	"--array", "-a", "--job-name", "-J", "--comment", "--output", "-o", "--error", "-e", "--open-mode", "--chdir", "-D", "--requeue", "--no-requeue",
	"--signal", "--wrap", "--wait", "-W", "--parsable", "--test-only",
}

func checkExtra(option string) (problem string) {
	name, _, _ := strings.Cut(option, "=")
	name, _, _ = strings.Cut(name, " ")
	if strings.HasPrefix(option, "-") && !strings.HasPrefix(option, "--") && len(name) > 2 {
		name = name[:2] // -Jname
	}
	switch {
	case !strings.HasPrefix(option, "-") || len(name) < 2 || name == "--":
		return "an option of sbatch is wanted, such as --exclusive or --mail-type=FAIL"
	case slices.Contains(ours, name):
		return "the script sets " + name + " itself\nleave it out"
	case strings.Contains(option, "#"):
		return "it has a #, which begins a comment in a script\nset that option by a variable SBATCH_* of the environment"
	}
	return ""
}
