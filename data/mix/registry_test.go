package mix

import (
	"strings"
	"testing"
)

func TestUnknownRulesAndOptionsAreErrors(t *testing.T) {
	for want, c := range map[string]struct {
		rule    string
		options Options
	}{
		`no rule of mixing "mixdown"; there are cutmix, mixup, remix`: {"mixdown", nil},
		`no rule of mixing "none"`:                                    {None, nil},
		"has no option \"tau\"":                                       {"mixup", Options{"tau": 0.5}},
		"wants kappa from 1 to":                                       {"remix", Options{"kappa": 0.5}},
		"wants alpha from 0.001 to 1000":                              {"cutmix", Options{"alpha": 0}},
	} {
		if _, err := New(c.rule, c.options, set(0)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s %v: %v, want %q", c.rule, c.options, err, want)
		}
	}
}

func TestNamesAndOptionsAreTakenOnce(t *testing.T) {
	make := func(Options) Rule { return nil }
	for name, register := range map[string]func(){
		"a taken name":                   func() { Register("mixup", make) },
		"the name of no mixing":          func() { Register(None, make) },
		"an option with another default": func() { Register("own", make, Option{Name: "tau", Default: 1, Max: 1}) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s did not panic", name)
				}
			}()
			register()
		}()
	}
}
