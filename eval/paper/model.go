package paper

import (
	"fmt"
	"strconv"
	"strings"
)

// Names of the losses, as in the config key loss.name.
const (
	Softmax = "softmax"
	Sigmoid = "sigmoid"
	Focal   = "focal"
)

// Betas are the values of the paper's grid; 0 is the plain loss.
func Betas() []float64 { return []float64{0, 0.9, 0.99, 0.999, 0.9999} }

// Factors are the imbalance factors of Table 2, largest first; the figures lack 1.
func Factors() []float64 { return []float64{200, 100, 50, 20, 10, 1} }

// Model is one loss of the paper's grid.
type Model struct {
	Loss  string  `json:"loss"`  // softmax, sigmoid or focal
	Gamma float64 `json:"gamma"` // of the focal loss, 0 for the others
	Beta  float64 `json:"beta"`  // 0 is not class-balanced
}

// NewModel is the model of a run's loss, gamma and beta; gamma counts only for the focal loss.
func NewModel(loss string, gamma, beta float64) Model {
	if loss != Focal {
		gamma = 0
	}
	return Model{loss, gamma, beta}
}

// Balanced reports whether the loss is weighted by the effective number of samples.
func (m Model) Balanced() bool { return m.Beta > 0 }

// Plain is the model without class-balancing.
func (m Model) Plain() Model { return Model{m.Loss, m.Gamma, 0} }

// String is the model's name for a reader: "softmax", "focal γ=0.5", "CB focal γ=0.5 β=0.9999".
func (m Model) String() string {
	var b strings.Builder
	if m.Balanced() {
		b.WriteString("CB ")
	}
	b.WriteString(m.Loss)
	if m.Loss == Focal {
		b.WriteString(" γ=" + number(m.Gamma))
	}
	if m.Balanced() {
		b.WriteString(" β=" + number(m.Beta))
	}
	return b.String()
}

// Code is the name of the figures: SM, SGM_0.9, Focal_0.5_0.9999.
func (m Model) Code() string {
	code := map[string]string{Softmax: "SM", Sigmoid: "SGM"}[m.Loss]
	if m.Loss == Focal {
		code = "Focal_" + strconv.FormatFloat(m.Gamma, 'f', 1, 64)
	}
	if m.Balanced() {
		code += "_" + number(m.Beta)
	}
	return code
}

// ParseCode reads a name of the figures.
func ParseCode(code string) (Model, error) {
	name, rest, _ := strings.Cut(code, "_")
	m := Model{Loss: map[string]string{"SM": Softmax, "SGM": Sigmoid, "Focal": Focal}[name]}
	fields := strings.Split(rest, "_")
	if rest == "" {
		fields = nil
	}
	var err error
	if m.Loss == Focal && len(fields) > 0 {
		m.Gamma, err = strconv.ParseFloat(fields[0], 64)
		fields = fields[1:]
	}
	if err == nil && len(fields) > 0 {
		m.Beta, err = strconv.ParseFloat(fields[0], 64)
		fields = fields[1:]
	}
	if err != nil || len(fields) > 0 || m.Loss == "" || m.Code() != code {
		return Model{}, fmt.Errorf("model %q: want SM, SGM or Focal_GAMMA, then perhaps _BETA", code)
	}
	return m, nil
}

// PlainModels are the five rows of Table 2 that are not class-balanced, in its order.
func PlainModels() []Model {
	return []Model{{Loss: Softmax}, {Loss: Sigmoid}, {Focal, 0.5, 0}, {Focal, 1, 0}, {Focal, 2, 0}}
}

// Models are the 25 models of Figures 8 to 10, in their order.
func Models() []Model {
	var all []Model
	for _, m := range PlainModels() {
		for _, beta := range Betas() {
			all = append(all, Model{m.Loss, m.Gamma, beta})
		}
	}
	return all
}

func number(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }
