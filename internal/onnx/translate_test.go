package onnx

import (
	"bytes"
	"strings"
	"testing"

	"longtail/internal/ops"
	"longtail/models"

	"google.golang.org/protobuf/encoding/protowire"
	G "gorgonia.org/gorgonia"
)

// network is one for evaluation whose values all differ.
func network(t *testing.T, name, shortcut string, head ops.Head) Network {
	t.Helper()
	x := G.NewTensor(G.NewGraph(), G.Float32, 4, G.WithShape(1, 3, 32, 32), G.WithName("image"))
	net, err := models.Build(x, models.Config{Name: name, Classes: 10, Shortcut: shortcut, Init: "he", ClassScale: true}, head, false)
	if err != nil {
		t.Fatal(err)
	}
	values, count := map[string][]float32{}, 0
	fill := func(n *G.Node) {
		v := make([]float32, n.Shape().TotalSize())
		for i := range v {
			count++
			v[i] = float32(count)
		}
		values[n.Name()] = v
	}
	for _, p := range net.Params {
		fill(p.Node)
	}
	for _, n := range net.Inputs {
		fill(n)
	}
	return Network{Name: name, Image: x, Net: net, Values: values, Metadata: map[string]string{"b": "2", "a": "1"}}
}

// fields are the length-delimited fields of that number of a message.
func fields(t *testing.T, m []byte, number protowire.Number) (found [][]byte) {
	t.Helper()
	for len(m) > 0 {
		n, kind, size := protowire.ConsumeField(m)
		_, _, tag := protowire.ConsumeTag(m)
		if size < 0 || tag < 0 {
			t.Fatal(protowire.ParseError(size))
		}
		if n == number && kind == protowire.BytesType {
			content, _ := protowire.ConsumeBytes(m[tag:])
			found = append(found, content)
		}
		m = m[size:]
	}
	return found
}

// Every layer of a network is an operation of the file, every value a constant, once.
func TestEncodedNetworksAreWhole(t *testing.T) {
	for _, c := range []struct {
		name, shortcut string
		head           ops.Head
		want           map[string]int
	}{
		{"resnet8", "avgpool", ops.Head{}, map[string]int{"Conv": 7, "BatchNormalization": 7, "Relu": 7, "Add": 3, "AveragePool": 2, "Pad": 2, "Gemm": 1}},
		{"resnet8", "subsample", ops.Head{Cosine: true}, map[string]int{"Conv": 7, "MaxPool": 2, "Pad": 2, "Gemm": 1, "ReduceSum": 2, "Pow": 2}},
		{"resnet50", "avgpool", ops.Head{}, map[string]int{"Conv": 53, "BatchNormalization": 53, "MaxPool": 1, "Pad": 0, "GlobalAveragePool": 1, "Mul": 1}},
	} {
		n := network(t, c.name, c.shortcut, c.head)
		file, err := Encode(n)
		if err != nil {
			t.Fatal(err)
		}
		again, err := Encode(n)
		if err != nil || !bytes.Equal(file, again) || !IsOurs(file) {
			t.Errorf("%s: the file is not the same twice, or not known as one: %v", c.name, err)
		}
		graph := fields(t, file, modelGraph)[0]
		count, made := map[string]int{}, map[string]bool{Input: true}
		for _, constant := range fields(t, graph, graphInitializer) {
			name := string(fields(t, constant, tensorName)[0])
			if made[name] {
				t.Errorf("%s: %s is there twice", c.name, name)
			}
			made[name] = true
		}
		for _, node := range fields(t, graph, graphNode) {
			count[string(fields(t, node, nodeOp)[0])]++
			for _, in := range fields(t, node, nodeInput) {
				if !made[string(in)] {
					t.Errorf("%s: %s is read before it is there", c.name, in)
				}
			}
			made[string(fields(t, node, nodeOutput)[0])] = true
		}
		if !made[Output] {
			t.Errorf("%s: nothing makes %s", c.name, Output)
		}
		for op, want := range c.want {
			if count[op] != want {
				t.Errorf("%s, %s: %d of %s, want %d", c.name, c.shortcut, count[op], op, want)
			}
		}
		if keys := fields(t, file, modelMetadata); len(keys) != 2 {
			t.Errorf("%s: %d entries of metadata", c.name, len(keys))
		}
	}
}

// A batch norm has its parameters and halves of its moments in ONNX's order, a convolution its strides and borders.
func TestAttributesAndConstants(t *testing.T) {
	n := network(t, "resnet8", "projection", ops.Head{})
	file, err := Encode(n)
	if err != nil {
		t.Fatal(err)
	}
	graph := fields(t, file, modelGraph)[0]
	constants := map[string][]byte{}
	for _, c := range fields(t, graph, graphInitializer) {
		constants[string(fields(t, c, tensorName)[0])] = c
	}
	moments := n.Values["stage2.block1.moments1"]
	half := len(moments) / 2
	for name, want := range map[string]message{
		"stage2.block1.moments1.mean":     floats("stage2.block1.moments1.mean", []int{half}, moments[:half]),
		"stage2.block1.moments1.variance": floats("stage2.block1.moments1.variance", []int{half}, moments[half:]),
		"stage2.block1.conv1":             floats("stage2.block1.conv1", []int{32, 16, 3, 3}, n.Values["stage2.block1.conv1"]),
	} {
		if !bytes.Equal(constants[name], want) {
			t.Errorf("%s is another constant", name)
		}
	}
	found := 0
	for _, node := range fields(t, graph, graphNode) {
		var in []string
		for _, name := range fields(t, node, nodeInput) {
			in = append(in, string(name))
		}
		var want []message
		switch {
		case in[len(in)-1] == "stage2.block1.conv1": // 3x3, stride 2
			want = []message{attribute("pads", []int{1, 1, 1, 1}), attribute("strides", []int{2, 2})}
		case in[len(in)-1] == "stage2.block1.project": // 1x1, stride 2
			want = []message{attribute("pads", []int{0, 0, 0, 0}), attribute("strides", []int{2, 2})}
		case len(in) == 5 && in[1] == "stage2.block1.scale1":
			want = []message{attribute("epsilon", float32(1e-5))}
			if got := strings.Join(in[2:], " "); got != "stage2.block1.shift1 stage2.block1.moments1.mean stage2.block1.moments1.variance" {
				t.Errorf("the batch norm reads %s", got)
			}
		default:
			continue
		}
		found++
		got := fields(t, node, nodeAttribute)
		for i := range want {
			if len(got) != len(want) || !bytes.Equal(got[i], want[i]) {
				t.Errorf("%v: attribute %d of %d differs", in, i, len(got))
			}
		}
	}
	if found != 3 {
		t.Errorf("%d of 3 nodes are there", found)
	}
}

func TestEncodeRefuses(t *testing.T) {
	missing := network(t, "resnet8", "avgpool", ops.Head{})
	delete(missing.Values, "stage2.block1.moments1")
	short := network(t, "resnet8", "avgpool", ops.Head{})
	short.Values["stem.conv"] = short.Values["stem.conv"][1:]
	other := network(t, "resnet8", "avgpool", ops.Head{})
	other.Net.Logits = G.Must(ops.Exp(other.Net.Logits))
	for want, n := range map[string]Network{"stage2.block1.moments1": missing, "stem.conv": short, "no counterpart of exp": other} {
		if _, err := Encode(n); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
}
