package syntax

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const small = `
.version 7.8
.target sm_80
.address_size 64
.weak .shared .align 16 .b8 tile[64]; // a comment
.extern .shared .align 16 .b8 dynamic[];
.global .align 4 .b8 table[4] = {1, 2, 3, 255};
.visible .entry k(
	.param .align 8 .b8 k_param_0[12],
	.param .u64 k_param_1
)
.maxntid 256, 1, 1
.minnctapersm 2
{
	.reg .pred %p<2>;
	.shared .align 4 .u32 last;
	.pragma "nounroll";
$L__BB0_1:
	@!%p1 bra 	$L__BB0_1;
	{ .reg .u64 t; mov.b32 {t, %r1}, 0f3F800000; }
	ld.global.v4.f32 {%f1, %f2, %f3, %f4}, [%rd1+-16];
	add.s32 %r1, %r2, -7;
	ret;
}
`

func TestParse(t *testing.T) {
	m, err := Parse(small)
	if err != nil {
		t.Fatal(err)
	}
	k := m.Kernels[0]
	if m.Shared[0] != (Variable{"tile", 16, 64, 5}) || m.Extern[0].Name != "dynamic" || m.Constants[0].Bytes[3] != 255 {
		t.Errorf("variables: %+v", m)
	}
	if k.Parameters[1].Offset != 16 || k.ParameterBytes != 24 || k.Shared[0].Size != 4 || k.Registers[0] != (Register{"pred", "%p", 2}) {
		t.Errorf("kernel: %+v", k)
	}
	var lines []string
	for _, s := range k.Body {
		switch {
		case s.Instruction != nil:
			lines = append(lines, s.Instruction.String())
		case s.Label != "":
			lines = append(lines, s.Label+":")
		case s.Begin:
			lines = append(lines, "{")
		case s.End:
			lines = append(lines, "}")
		case s.Register != nil:
			lines = append(lines, s.Register.Type)
		}
	}
	want := "$L__BB0_1:|@!%p1 bra $L__BB0_1;|{|u64|mov.b32 {t, %r1}, 0f3F800000;|}|" +
		"ld.global.v4.f32 {%f1, %f2, %f3, %f4}, [%rd1+-16];|add.s32 %r1, %r2, -7;|ret;"
	if got := strings.Join(lines, "|"); got != want {
		t.Errorf("body:\n%s\nwant\n%s", got, want)
	}
}

func TestParseRefuses(t *testing.T) {
	for _, test := range []struct{ old, new, want string }{
		{".maxntid", ".reqntid", "line 12: unknown directive of a kernel"},
		{".weak .shared", ".local", "unknown directive \".local\""},
		{".b8 tile", ".b128 tile", "unknown type"},
		{"3, 255}", "3}", "4 bytes and 3 values"},
		{"ret;\n}", "ret;", "unknown statement at \"\""},
		{"// a", "# a", "unknown character"},
		{"\"nounroll\"", "\"nounroll", "a string has no end"},
		{"%r2, -7", "%r2 -7", "where \",\" is wanted"},
	} {
		_, err := Parse(strings.Replace(small, test.old, test.new, 1))
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %q", test.new, err, test.want)
		}
	}
}

func TestParseReadsAllCommittedPTX(t *testing.T) {
	files, err := filepath.Glob("../../*.ptx")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		m, err := Parse(string(text))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if n := strings.Count(string(text), ".entry"); len(m.Kernels) != n {
			t.Errorf("%s: %d kernels, want %d", name, len(m.Kernels), n)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(small)
	f.Add(".entry k(){{")
	f.Add(".entry 0(000")
	f.Add(".entry k(.param .align 0 .b8 p[-1]){}")
	f.Fuzz(func(t *testing.T, text string) {
		m, err := Parse(text)
		if (m == nil) == (err == nil) {
			t.Error(m, err)
		}
	})
}
