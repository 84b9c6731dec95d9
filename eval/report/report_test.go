package report

import (
	"bytes"
	"encoding/xml"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"longtail/eval"
	"longtail/eval/evaltest"
)

func load(t *testing.T, specs ...evaltest.Spec) eval.Set {
	t.Helper()
	root := t.TempDir()
	for _, s := range specs {
		if _, err := evaltest.Write(root, s); err != nil {
			t.Fatal(err)
		}
	}
	set, err := eval.Load(root)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func write(t *testing.T, set eval.Set) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "report.html")
	if err := WriteFile(path, set, Options{Title: "A <title>", Which: eval.Last}); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestThePageHoldsEverything(t *testing.T) {
	set := load(t, evaltest.Spec{Validation: 28}, evaltest.Spec{Loss: "focal", Gamma: 1, Beta: 0.9999, Error: 25}, evaltest.Spec{Dataset: "cifar100", Classes: 100, Extra: "note: <script>alert(1)</script>\n"})
	set.Problems = append(set.Problems, eval.Problem{Path: "some/folder", Err: errors.New("is broken")})
	page := write(t, set)
	for _, want := range []string{
		"A &lt;title&gt;", "3 finished runs", "CB focal γ=1 β=0.9999", "29.64", "train.epochs 8 (paper 200)", "some/folder: is broken",
		"&lt;script&gt;", "example", `name="viewport"`, "airplane", "cifar10-if100-softmax-g0-b0-s0",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	for _, title := range []string{"Error by β", "Training curves", "Accuracy of each class", "Training images a class", "Confusion"} {
		if !strings.Contains(page, `aria-label="`+title) {
			t.Errorf("no picture %q", title)
		}
	}
}

var address = regexp.MustCompile(`(?i)(src|href|action|url)\s*[=(]\s*["']?([^"')\s>]+)`)

func TestThePageNeedsNoNetwork(t *testing.T) {
	page := write(t, load(t, evaltest.Spec{}, evaltest.Spec{Dataset: "cifar100", Classes: 100}))
	for _, m := range address.FindAllStringSubmatch(page, -1) {
		if target := m[2]; !strings.HasPrefix(target, "#") && !strings.HasPrefix(target, "data:") {
			t.Errorf("the page points to %s", target)
		}
	}
	if strings.Contains(page, "<script") || strings.Contains(page, "@import") {
		t.Error("the page has a script or an import")
	}
}

func TestThePageIsWellFormed(t *testing.T) {
	page := write(t, load(t, evaltest.Spec{}))
	style := regexp.MustCompile(`(?s)<style>.*?</style>`)
	d := xml.NewDecoder(strings.NewReader(style.ReplaceAllString(page, "")))
	d.Strict, d.AutoClose, d.Entity = false, xml.HTMLAutoClose, xml.HTMLEntity
	tables, pictures := 0, 0
	for {
		token, err := d.Token()
		if err != nil {
			if err.Error() != "EOF" {
				t.Fatal(err)
			}
			break
		}
		if e, ok := token.(xml.StartElement); ok {
			switch e.Name.Local {
			case "table":
				tables++
			case "svg":
				pictures++
			}
		}
	}
	if tables < 3 || pictures < 4 {
		t.Errorf("%d tables, %d pictures", tables, pictures)
	}
}

func TestReportsAreTheSameEveryTime(t *testing.T) {
	set := load(t, evaltest.Spec{}, evaltest.Spec{Beta: 0.99})
	var a, b bytes.Buffer
	for _, w := range []*bytes.Buffer{&a, &b} {
		if err := Write(w, set, Options{Title: "x"}); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(a.Bytes(), b.Bytes()) {
		t.Error("two reports of the same runs differ")
	}
}

func TestAnEmptySetSaysSo(t *testing.T) {
	if page := write(t, eval.Set{}); !strings.Contains(page, "no finished runs") {
		t.Error(page)
	}
}
