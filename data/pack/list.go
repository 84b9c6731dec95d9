package pack

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// readList reads lines "path label", as the splits of ImageNet-LT and Places-LT are; a path may have spaces.
func (p *part) readList(file string, text []byte) error {
	number := 0
	for line := range bytes.Lines(text) {
		number++
		line := strings.TrimSpace(string(line))
		if line == "" {
			continue
		}
		cut := strings.LastIndexAny(line, " \t")
		if cut < 0 {
			return fmt.Errorf("line %d: %s is no path with a label behind it", number, strconv.Quote(line))
		}
		p.add(strings.TrimSpace(line[:cut]), line[cut+1:], fmt.Sprintf("%s:%d", filepath.Base(file), number))
	}
	return nil
}

// readCSV reads columns of paths and labels, by their names in the first row or, in a file of two columns without such a row, in this order.
func (p *part) readCSV(file string, text []byte, o *Options) error {
	r := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(text, []byte("\ufeff"))))
	rows, err := r.ReadAll()
	if err != nil {
		return err
	}
	if len(rows) == 0 {
		return nil
	}
	first := 1
	pathColumn, labelColumn := column(rows[0], o.PathColumn, "path"), column(rows[0], o.LabelColumn, "label")
	if pathColumn < 0 || labelColumn < 0 {
		if len(rows[0]) != 2 || o.PathColumn != "" || o.LabelColumn != "" {
			return fmt.Errorf("its columns are %s, and those of path and label are not among them: name them with --path-column and --label-column", strings.Join(rows[0], ", "))
		}
		first, pathColumn, labelColumn = 0, 0, 1
	}
	for i, row := range rows[first:] {
		p.add(row[pathColumn], row[labelColumn], fmt.Sprintf("%s, row %d", filepath.Base(file), first+i+1))
	}
	return nil
}

// column is where a name stands in a row, the usual one where it is empty; -1 if nowhere.
func column(row []string, name, usual string) int {
	if name == "" {
		name = usual
	}
	return slices.IndexFunc(row, func(c string) bool { return strings.EqualFold(strings.TrimSpace(c), name) })
}

// catalogue is what is read of a JSON file in the form of iNaturalist and COCO.
type catalogue struct {
	Images []struct {
		ID       json.Number `json:"id"`
		FileName string      `json:"file_name"`
	} `json:"images"`
	Annotations []struct {
		ImageID    json.Number `json:"image_id"`
		CategoryID json.Number `json:"category_id"`
	} `json:"annotations"`
	Categories []struct {
		ID   json.Number `json:"id"`
		Name string      `json:"name"`
	} `json:"categories"`
}

// readJSON reads images, annotations and categories. Classes are the categories in the order of their ids; images without annotation are
// skipped and counted.
func (p *part) readJSON(text []byte) error {
	var c catalogue
	if err := json.Unmarshal(text, &c); err != nil {
		return err
	}
	ids := make([]int64, len(c.Categories))
	names := map[int64]string{}
	for i, category := range c.Categories {
		id, err := category.ID.Int64()
		if err != nil {
			return fmt.Errorf("category %d has the id %q", i, category.ID)
		}
		if _, twice := names[id]; twice {
			return fmt.Errorf("category id %d is there twice", id)
		}
		ids[i], names[id] = id, category.Name
		if category.Name == "" {
			names[id] = category.ID.String()
		}
	}
	slices.Sort(ids)
	for _, id := range ids {
		p.classes = append(p.classes, class{strconv.FormatInt(id, 10), names[id]})
	}
	if len(ids) == 0 {
		return errors.New("it has no categories")
	}
	labels := make(map[json.Number]json.Number, len(c.Annotations))
	for _, a := range c.Annotations {
		if other, twice := labels[a.ImageID]; twice && other != a.CategoryID {
			return fmt.Errorf("image %s is of categories %s and %s", a.ImageID, other, a.CategoryID)
		}
		labels[a.ImageID] = a.CategoryID
	}
	for _, image := range c.Images {
		label, ok := labels[image.ID]
		if !ok {
			p.skipped["without annotation"]++
			continue
		}
		p.add(image.FileName, label.String(), "image "+image.ID.String())
	}
	return nil
}
