package grid

import (
	"reflect"
	"strings"
	"testing"

	"longtail/internal/fail"
)

const oneSeed = small + "grid: {data.imbalance: [1]}\n"

func TestSlurmSectionIsRead(t *testing.T) {
	g := mustParse(t, oneSeed+`
slurm:
  partition: gpu
  time: 30
  gres: gpu:a100:1
  cpus: 4
  mem: 16G
  constraint: "[rack1|rack2]"
  limit: 8
  setup:
    - module load cuda
    - source "$HOME/setup.sh"
  extra: [--exclusive, --mail-type=FAIL]
`, "slurm.time=2-12", "slurm.account=a1", "slurm.qos=low", "slurm.setup=echo a=b", "slurm.extra=[--nice=100, -x node7]")
	want := Slurm{
		Partition: "gpu", Time: "2-12", Gres: "gpu:a100:1", CPUs: 4, Mem: "16G", Account: "a1", QOS: "low", Constraint: "[rack1|rack2]", Limit: 8,
		Setup: []string{"echo a=b"}, Extra: []string{"--nice=100", "-x node7"},
	}
	if !reflect.DeepEqual(g.Slurm, want) {
		t.Errorf("%+v, want %+v", g.Slurm, want)
	}
	if g := mustParse(t, oneSeed+"slurm:\n"); !reflect.DeepEqual(g.Slurm, Slurm{}) {
		t.Errorf("an empty section: %+v", g.Slurm)
	}
}

func TestTimesOfSlurm(t *testing.T) {
	for _, good := range []string{"5", "5:00", "1:00:00", "0-1", "1-0", "1-0:30", "1-0:30:00", "unlimited", "INFINITE"} {
		if problem := checkTime(good); problem != "" {
			t.Errorf("%s: %s", good, problem)
		}
	}
	for _, bad := range []string{"4", "4:00", "0:04:00", "0-0:4", "0", "1h", "1:2:3:4", "-5", "1-", "5 ", "1.5", "12345678"} {
		if problem := checkTime(bad); problem == "" {
			t.Errorf("%s is taken", bad)
		}
	}
}

// TestWrongSlurmSectionsAreErrors looks at the file's form and, where it is not empty, at the command line's.
func TestWrongSlurmSectionsAreErrors(t *testing.T) {
	for _, c := range []struct{ file, override, want string }{
		{"slurm: {gpus: 1}", "slurm.gpus=1", `unknown key "slurm.gpus"` + "\nthe keys of slurm are partition, time"},
		{"slurm: [partition]", "", "slurm is lines of"},
		{"slurm: {time: soon}", "slurm.time=soon", "slurm.time=soon: a time is wanted"},
		{"slurm: {time: 2}", "slurm.time=2", "slurm.time=2: an element is told to save 120 seconds before the limit"},
		{"slurm: {mem: 16 GB}", "slurm.mem=16 GB", "slurm.mem=16 GB: a size is wanted"},
		{"slurm: {limit: 0}", "slurm.limit=0", "slurm.limit=0: a whole number of at least 1 is wanted"},
		{"slurm: {limit: -3}", "slurm.limit=-3", "slurm.limit=-3: a whole number"},
		{"slurm: {cpus: many}", "slurm.cpus=many", "slurm.cpus=many: a whole number"},
		{"slurm: {cpus: [1]}", "", "slurm.cpus: one value is wanted, not a list"},
		{"", "slurm.cpus=[1]", "slurm.cpus=[1]: a whole number of at least 1 is wanted"},
		{"slurm: {partition: [a, b]}", "", "slurm.partition: one value is wanted, not a list"},
		{"slurm: {partition: }", "", "slurm.partition: one value is wanted, not nothing"},
		{"slurm: {partition: ''}", "slurm.partition=", "slurm.partition=: it is empty"},
		{"slurm: {partition: a b}", "slurm.partition=a b", "slurm.partition=a b: a word without blanks"},
		{"slurm: {account: \"a\\n#SBATCH --uid=0\"}", "slurm.account=a\n#SBATCH --uid=0", `slurm.account="a\n#SBATCH --uid=0": it has line breaks`},
		{"slurm: {setup: [\"a\\nb\"]}", "", "line breaks"},
		{"slurm: {setup: {a: b}}", "", "slurm.setup: one value is wanted, not a section"},
		{"slurm: {extra: [exclusive]}", "slurm.extra=exclusive", "slurm.extra=exclusive: an option of sbatch is wanted"},
		{"slurm: {extra: [--array=1-3]}", "slurm.extra=--array=1-3", "the script sets --array itself"},
		{"slurm: {extra: [\"-J name\"]}", "slurm.extra=-Jname", "the script sets -J itself"},
		{"slurm: {extra: [\"--comment #\"]}", "", "the script sets --comment itself"},
		{"slurm: {extra: [\"--mail-user a#b\"]}", "", "begins a comment"},
		{"slurm: {time: 30, time: 40}", "", "time is given twice"},
		{"", "slurm.time", "not of the form slurm.KEY=VALUE"},
		{"", "slurm.setup=[a", "no YAML"},
	} {
		check := func(text, place string, overrides ...string) {
			t.Helper()
			_, err := parse([]byte(text), "sweep.yaml", overrides)
			if err == nil || fail.Code(err) != fail.CodeUsage || !strings.HasPrefix(err.Error(), place) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%q %q: %v, want %s: %s", c.file, c.override, err, place, c.want)
			}
		}
		if c.file != "" {
			check(oneSeed+c.file, "sweep.yaml:7:")
		}
		if c.override != "" {
			check(oneSeed, "command line: ", c.override)
		}
	}
}
