package disk

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
)

type record struct {
	Step  int       `json:"step"`
	Rates []float64 `json:"rates"`
}

func TestDecodeTakesOneValue(t *testing.T) {
	want := record{3, []float64{0.5, 1}}
	for _, text := range []string{`{"step":3,"rates":[0.5,1]}`, " {\"step\":3,\n\"rates\":[0.5,1]}\n\t \r\n"} {
		var got record
		if err := Decode([]byte(text), &got); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%q: %+v, %v", text, got, err)
		}
	}
}

func TestNullIsNoZero(t *testing.T) {
	var list []int32
	if err := Decode([]byte("[1,null,2]"), &list); err == nil || !strings.Contains(err.Error(), "byte 4: null") {
		t.Errorf("%v", err)
	}
	var names []string
	if err := Decode([]byte(`["null"]`), &names); err != nil {
		t.Errorf("a word: %v", err)
	}
}

func TestDecodeSaysWhere(t *testing.T) {
	for text, want := range map[string]string{
		"":                                     "it is empty",
		" \n":                                  "it is empty",
		`{"step":3`:                            "byte 9: unexpected EOF",
		`{"step":x}`:                           "byte 9: invalid character 'x'",
		"{\n \"step\": 3,\n \"r}":              "line 3, byte 4: unexpected EOF",
		"{\n \"step\": 3\n x}":                 "line 3, byte 2: invalid character 'x'",
		"x\n{}":                                "line 1, byte 1: invalid character 'x'",
		"{\"step\":1}\n":                       "",
		"{\"step\":1} \n x":                    "line 2, byte 2: text after the end",
		`{"step":1}{"step":2}`:                 "byte 11: text after the end",
		`{"step":1}]`:                          "byte 11: text after the end",
		"{\"step\":1,\n\"rates\":[1,\n\"a\"]}": "line 3, byte 3: json: cannot unmarshal string",
		`{"stepp":1}`:                          `unknown field "stepp"`,
	} {
		err := Decode([]byte(text), new(record))
		switch {
		case want == "" && err != nil:
			t.Errorf("%q: %v", text, err)
		case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
			t.Errorf("%q: error %v, want %q", text, err, want)
		}
	}
}

func TestLongWordsOfAFileAreShortened(t *testing.T) {
	long := strings.Repeat("1", 20<<20)
	for _, text := range []string{`{"` + long + `":1}`, `{"step":` + long + `}`, `{"step":"` + long + `"}`, `{"rates":[` + long + `]}`} {
		if err := Decode([]byte(text), new(record)); err == nil || len(err.Error()) > 500 {
			t.Errorf("%.20s: %.600v", text, err)
		}
	}
}

// What is taken is JSON, and what is not has a reason.
func FuzzDecode(f *testing.F) {
	f.Add([]byte(`{"step":3,"rates":[0.5,1]}`))
	f.Add([]byte("{\n\"step\": 1.5}"))
	f.Add([]byte("[1, 2] 3"))
	f.Fuzz(func(t *testing.T, text []byte) {
		var r record
		if err := Decode(text, &r); err == nil && !json.Valid(text) || err != nil && err.Error() == "" {
			t.Fatalf("%q: error %v", text, err)
		}
	})
}
