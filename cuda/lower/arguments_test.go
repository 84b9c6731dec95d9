package lower

import (
	"bytes"
	"fmt"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"longtail/cuda/kernels"
	"longtail/internal/device"
)

// parameter is one of a kernel in PTX.
type parameter struct{ size, alignment int }

// entry is a kernel in PTX.
type entry struct {
	parameters []parameter
	threads    int // a block may have; 0: any
}

var (
	entryPattern     = regexp.MustCompile(`(?s)\.entry (\w+)\((.*?)\)\s*(?:\.maxntid (\d+))?`)
	scalarPattern    = regexp.MustCompile(`^\.param \.[uf](32|64)`)
	structurePattern = regexp.MustCompile(`^\.param \.align (\d+) \.b8 \w+\[(\d+)\]`)
)

// entries are the kernels of a .cu file.
func entries(t *testing.T, module string) map[string]entry {
	t.Helper()
	text, ok := kernels.PTX(module)
	if !ok {
		t.Fatalf("no PTX of %s", module)
	}
	all := map[string]entry{}
	for _, m := range entryPattern.FindAllStringSubmatch(text, -1) {
		e := entry{}
		e.threads, _ = strconv.Atoi(m[3])
		for _, line := range strings.Split(m[2], "\n") {
			line = strings.TrimSpace(line)
			if scalar := scalarPattern.FindStringSubmatch(line); scalar != nil {
				bits, _ := strconv.Atoi(scalar[1])
				e.parameters = append(e.parameters, parameter{bits / 8, bits / 8})
			} else if structure := structurePattern.FindStringSubmatch(line); structure != nil {
				alignment, _ := strconv.Atoi(structure[1])
				size, _ := strconv.Atoi(structure[2])
				e.parameters = append(e.parameters, parameter{size, alignment})
			} else if line != "" {
				t.Fatalf("%s of %s has the parameter %q, which this test cannot read", m[1], module, line)
			}
		}
		all[m[1]] = e
	}
	return all
}

// checkLaunch compares a launch with the kernel's PTX.
func checkLaunch(t *testing.T, l *Launch, modules map[string]map[string]entry) {
	t.Helper()
	if modules[l.Module] == nil {
		modules[l.Module] = entries(t, l.Module)
	}
	e, ok := modules[l.Module][l.Kernel]
	if !ok {
		t.Errorf("%s.cu has no kernel %s", l.Module, l.Kernel)
		return
	}
	var got []parameter
	for _, a := range l.Parameters() {
		size, alignment, err := sizeOf(reflect.TypeOf(a))
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, parameter{size, alignment})
	}
	if fmt.Sprint(got) != fmt.Sprint(e.parameters) {
		t.Errorf("the parameters of %s have sizes and alignments %v here and %v in PTX", l.Kernel, got, e.parameters)
	}
	if e.threads != 0 && l.Threads > e.threads {
		t.Errorf("%s is launched with %d threads a block, and takes %d", l.Kernel, l.Threads, e.threads)
	}
}

// The structs of this package have the size and alignment of the kernels' parameters, for every kernel of every file.
func TestArgumentsAreTheParametersOfThePTX(t *testing.T) {
	modules, launched := map[string]map[string]entry{}, map[string]bool{}
	check := func(l Launch) {
		launched[l.Kernel] = true
		checkLaunch(t, &l, modules)
	}
	eachSchedule(t, func(t *testing.T, s *Schedule) {
		for _, l := range s.Launches {
			check(l)
		}
	})
	for _, s := range MMAShapes() {
		with := func(l Launch, arguments any) Launch {
			l.Arguments = arguments
			return l
		}
		check(with(s.Forward(2), ConvolutionParameters{}))
		check(with(s.Weights(2), ConvWeightsParameters{}))
		if !s.stem() {
			check(with(s.Backward(2), ConvolutionParameters{}))
			check(with(s.Gradients(2, 1), GradientsParameters{}))
		}
	}
	for _, suffix := range []string{"_f32", "_f16"} { // what those networks in that precision do without
		for _, c := range []string{"conv16", "conv32"} {
			check(Launch{Kernel: c + suffix, Module: "conv", Threads: 128, Arguments: ConvolutionParameters{}})
		}
		for _, c := range []string{"31", "32", "11", "12"} {
			check(Launch{Kernel: "conv_weights" + c + suffix, Module: "conv_weights", Threads: 128, Arguments: ConvWeightsParameters{}})
		}
		check(Launch{Kernel: "pointwise" + suffix, Module: "pointwise", Threads: 256, Arguments: PointwiseParameters{}})
	}
	for _, pass := range []generalPass{generalForward, generalBackward, generalWeights} { // of larger layers than those networks have
		check(Launch{Kernel: pass.mixed + "_128", Module: "general_mma", Threads: 128, Arguments: GeneralParameters{}})
	}
	for module, all := range modules {
		for kernel := range all {
			if !launched[kernel] {
				t.Errorf("%s of %s.cu is compared with no struct", kernel, module)
			}
		}
	}
}

// A layout by hand: alignment within structs, at their ends, and between parameters.
func TestPackFollowsC(t *testing.T) {
	type inner struct {
		A int32
		B Ref
		C float32
	}
	address := func(r Ref) uint64 { return uint64(r.Index)<<8 + uint64(r.Offset) }
	got, err := Pack(address, int32(1), Ref{InBlock, 2, 3}, []inner{{4, Ref{InStore, 5, 0}, 1}, {6, Ref{}, 0}}, uint32(7), uint64(8), int64(-1), 1.0)
	if err != nil {
		t.Fatal(err)
	}
	want := []byte{
		1, 0, 0, 0, 0, 0, 0, 0, 3, 2, 0, 0, 0, 0, 0, 0,
		4, 0, 0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0x80, 0x3f, 0, 0, 0, 0,
		6, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
		7, 0, 0, 0, 0, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 255, 255, 255, 255, 255, 255, 255, 255, 0, 0, 0, 0, 0, 0, 0xf0, 0x3f,
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	for _, v := range []any{1, uint(1), "text", true, struct{ N int }{}, struct{ P *int }{}, []any{1}, nil} {
		if _, err := Pack(address, v); err == nil {
			t.Errorf("%T is taken", v)
		}
	}
}

// What the device leaves in a control block comes back as sums.
func TestControl(t *testing.T) {
	packed, err := Pack(func(Ref) uint64 { return 99 }, Control{Loss: 2.5, Samples: 12, Step: 4, Bad: 1})
	if err != nil {
		t.Fatal(err)
	}
	got, err := ReadControl(packed)
	if want := (device.Sums{Samples: 12, Loss: 2.5, NonFinite: true}); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, %v; want %+v", got, err, want)
	}
	if _, err := ReadControl(packed[1:]); err == nil {
		t.Error("a short control block is taken")
	}
}
