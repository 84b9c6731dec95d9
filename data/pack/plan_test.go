package pack

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"longtail/internal/fail"
)

// files writes small images and texts below a folder.
func files(t *testing.T, images []string, texts map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for i, name := range images {
		write(t, filepath.Join(dir, name), plain(i))
	}
	for name, text := range texts {
		write(t, filepath.Join(dir, name), []byte(text))
	}
	return dir
}

// six are images that lists name.
var six = []string{"in/0.png", "in/1.png", "in/2 x.png", "in/3.png", "in/4.png", "in/5.png"}

// Each form of a list gives classes, training and test images in its order.
func TestLists(t *testing.T) {
	for name, c := range map[string]struct {
		texts   map[string]string
		source  string
		change  func(*Options, string)
		classes []string
		train   string // names with their labels
		test    string
	}{
		"numbers": {
			texts: map[string]string{"l.txt": "in/1.png 1\r\n\nin/2 x.png 0\nin/0.png 1\n", "t.txt": "in/3.png 0"}, source: "l.txt",
			change:  func(o *Options, dir string) { o.Test = filepath.Join(dir, "t.txt") },
			classes: []string{"0", "1"}, train: "in/1.png:1 in/2 x.png:0 in/0.png:1", test: "in/3.png:0",
		},
		"names of numbers": {
			texts: map[string]string{"l.txt": "1.png 1\n0.png 0\n", "n.txt": "owl\nwren\n"}, source: "l.txt",
			change: func(o *Options, dir string) {
				o.Root, o.ClassNames = filepath.Join(dir, "in"), filepath.Join(dir, "n.txt")
			},
			classes: []string{"owl", "wren"}, train: "1.png:1 0.png:0",
		},
		"words": {
			texts: map[string]string{"l.txt": "in/1.png wren\nin/0.png owl\n"}, source: "l.txt",
			classes: []string{"owl", "wren"}, train: "in/1.png:1 in/0.png:0",
		},
		"CSV with a header": {
			texts: map[string]string{"l.csv": "id,Label,Path\n7,b,in/1.png\n8,a,\"in/2 x.png\"\n"}, source: "l.csv",
			classes: []string{"a", "b"}, train: "in/1.png:1 in/2 x.png:0",
		},
		"CSV with names": {
			texts: map[string]string{"l.csv": "\ufefffile,kind\nin/1.png,b\nin/0.png,a\n"}, source: "l.csv",
			change:  func(o *Options, _ string) { o.PathColumn, o.LabelColumn = "file", "kind" },
			classes: []string{"a", "b"}, train: "in/1.png:1 in/0.png:0",
		},
		"CSV without a header": {
			texts: map[string]string{"l.csv": "in/1.png,b\nin/0.png,a\n"}, source: "l.csv",
			classes: []string{"a", "b"}, train: "in/1.png:1 in/0.png:0",
		},
		"JSON": {
			texts: map[string]string{
				"l.json": `{"info":{},"images":[{"id":5,"file_name":"in/1.png","width":3},{"id":6,"file_name":"in/0.png"},{"id":7,"file_name":"in/3.png"}],
					"annotations":[{"id":1,"image_id":6,"category_id":10},{"id":2,"image_id":5,"category_id":2}],"categories":[{"id":10,"name":"owl"},{"id":2,"name":"wren","supercategory":"x"}]}`,
				"v.json": `{"images":[{"id":1,"file_name":"in/4.png"}],"annotations":[{"image_id":1,"category_id":10}],"categories":[{"id":10,"name":"owl"}]}`,
			}, source: "l.json",
			change:  func(o *Options, dir string) { o.Test = filepath.Join(dir, "v.json") },
			classes: []string{"wren", "owl"}, train: "in/1.png:0 in/0.png:1", test: "in/4.png:1",
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := files(t, six, c.texts)
			o := options(t, filepath.Join(dir, c.source))
			if c.change != nil {
				c.change(&o, dir)
			}
			packed(t, o)
			h, err := ReadHeader(o.Out)
			if err != nil {
				t.Fatal(err)
			}
			names, err := ReadNames(o.Out)
			if err != nil {
				t.Fatal(err)
			}
			ds := load(t, o.Out)
			var train, test []string
			for i, name := range names {
				if n := ds.Train.Len(); i < n {
					train = append(train, fmt.Sprintf("%s:%d", name, ds.Train.Labels[i]))
				} else {
					test = append(test, fmt.Sprintf("%s:%d", name, ds.Test.Labels[i-n]))
				}
			}
			if !slices.Equal(h.Classes, c.classes) || strings.Join(train, " ") != c.train || strings.Join(test, " ") != c.test {
				t.Errorf("classes %v, training %v, test %v", h.Classes, train, test)
			}
		})
	}
}

// A source that contradicts itself is a data error that names the place.
func TestContradictions(t *testing.T) {
	long := strings.Repeat("x", 201)
	for name, c := range map[string]struct {
		files map[string]string // images where empty
		src   string
		test  string
		names string
		want  string
	}{
		"no label":            {files: map[string]string{"l.txt": "a.png\n"}, src: "l.txt", want: "line 1"},
		"empty list":          {files: map[string]string{"l.txt": "\n"}, src: "l.txt", want: "names no image"},
		"twice":               {files: map[string]string{"l.txt": "a.png 0\nb.png 1\n./a.png 0\n"}, src: "l.txt", want: `l.txt:3: image "a.png" is in l.txt:1 too`},
		"in both parts":       {files: map[string]string{"l.txt": "a.png 0\nb.png 1\n", "t.txt": "b.png 1"}, src: "l.txt", test: "t.txt", want: "b.png"},
		"negative":            {files: map[string]string{"l.txt": "a.png 0\nb.png -1\n"}, src: "l.txt", want: "label \"-1\" is out of range"},
		"a gap":               {files: map[string]string{"l.txt": "a.png 0\nb.png 2\n"}, src: "l.txt", want: `no training image of "1"`},
		"too few names":       {files: map[string]string{"l.txt": "a.png 0\nb.png 2\n", "n.txt": "x\ny"}, src: "l.txt", names: "n.txt", want: "label 2 is out of range"},
		"unknown word":        {files: map[string]string{"l.txt": "a.png x\nb.png z\n", "n.txt": "x\ny"}, src: "l.txt", names: "n.txt", want: `no class "z"`},
		"one class":           {files: map[string]string{"l.txt": "a.png 0\n"}, src: "l.txt", want: "1 classes"},
		"test class":          {files: map[string]string{"l.txt": "a.png x\nb.png y\n", "t.txt": "c.png z"}, src: "l.txt", test: "t.txt", want: `t.txt:1: the training images have no class "z"`},
		"control characters":  {files: map[string]string{"l.csv": "a.png,x\nb.png,\"y\nz\"\n"}, src: "l.csv", want: `"y\nz"`},
		"long name":           {files: map[string]string{"l.txt": "a.png x\nb.png " + long + "\n"}, src: "l.txt", want: "at most 200 bytes"},
		"CSV without columns": {files: map[string]string{"l.csv": "a,b,c\n1,2,3\n"}, src: "l.csv", want: "a, b, c"},
		"ragged CSV":          {files: map[string]string{"l.csv": "a.png,x\nb.png\n"}, src: "l.csv", want: "l.csv"},
		"no JSON":             {files: map[string]string{"l.json": "{"}, src: "l.json", want: "l.json"},
		"no categories":       {files: map[string]string{"l.json": `{"images":[]}`}, src: "l.json", want: "no categories"},
		"two categories":      {files: map[string]string{"l.json": `{"annotations":[{"image_id":1,"category_id":1},{"image_id":1,"category_id":2}],"categories":[{"id":1,"name":"x"},{"id":2,"name":"y"}]}`}, src: "l.json", want: "image 1 is of categories 1 and 2"},
		"missing annotation":  {files: map[string]string{"l.json": `{"images":[{"id":1,"file_name":"a"}],"categories":[{"id":1,"name":"x"}]}`}, src: "l.json", want: "names no image"},
		"case":                {files: map[string]string{"Owl/a.png": "", "owl/a.png": ""}, src: ".", want: `"Owl" and "owl" differ in case alone`},
		"empty class":         {files: map[string]string{"a/a.png": "", "b/a.png": "", "c/a.txt": "x"}, src: ".", want: `no training image of "c"`},
		"train alone":         {files: map[string]string{"train/a/a.png": "", "train/b/a.png": ""}, src: ".", want: "none called test"},
		"test class, folder":  {files: map[string]string{"train/a/a.png": "", "train/b/a.png": "", "test/c/a.png": ""}, src: ".", want: `c/a.png: the training images have no class "c"`},
		"no classes":          {files: map[string]string{"a.png": ""}, src: ".", want: "0 classes"},
		"bytes":               {files: map[string]string{"a\xff/a.png": "", "b/a.png": ""}, src: ".", want: `"a\xff": the name of a class is UTF-8`},
	} {
		t.Run(name, func(t *testing.T) {
			texts := map[string]string{}
			var images []string
			for name, text := range c.files {
				if text == "" {
					images = append(images, name)
				} else {
					texts[name] = text
				}
			}
			dir := files(t, images, texts)
			o := options(t, filepath.Join(dir, c.src))
			if c.test != "" {
				o.Test = filepath.Join(dir, c.test)
			}
			if c.names != "" {
				o.ClassNames = filepath.Join(dir, c.names)
			}
			_, err := Pack(t.Context(), o)
			if code := fail.Code(err); code != fail.CodeData && code != fail.CodeUsage || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v (code %d), want %q", err, code, c.want)
			}
			if left, _ := os.ReadDir(filepath.Dir(o.Out)); len(left) > 0 {
				t.Errorf("left behind: %v", left)
			}
		})
	}
}
