package syntax

import (
	"fmt"
	"strconv"
	"strings"
)

// parser reads tokens; the first error stops it, and all later tokens are "".
type parser struct {
	scanner
	now token // the current token, "" at the end
	err error
}

// Parse reads a module. It returns an error, with the line, for what it does not know.
func Parse(text string) (*Module, error) {
	p := &parser{scanner: scanner{text: text, line: 1}}
	p.advance()
	m := &Module{}
	for p.now.text != "" && p.err == nil {
		p.directive(m)
	}
	if p.err != nil {
		return nil, p.err
	}
	return m, nil
}

func (p *parser) fail(format string, arguments ...any) {
	if p.err == nil {
		p.err = fmt.Errorf("line %d: %s", p.now.line, fmt.Sprintf(format, arguments...))
	}
	p.now.text = ""
	p.text = ""
}

func (p *parser) advance() string {
	before := p.now.text
	t, err := p.next()
	if err != nil {
		p.now.line = p.line
		if p.err == nil {
			p.err = err
		}
		t = token{}
	}
	p.now = t
	return before
}

// accept takes the token if it is the one wanted.
func (p *parser) accept(want string) bool {
	if p.now.text != want || want == "" {
		return false
	}
	p.advance()
	return true
}

func (p *parser) expect(want string) {
	if !p.accept(want) {
		p.fail("%q where %q is wanted", p.now.text, want)
	}
}

func (p *parser) name() string {
	if p.now.text == "" || !isWord(p.now.text[0]) {
		p.fail("%q where a name is wanted", p.now.text)
	}
	return p.advance()
}

// number reads an integer literal ("Integer Constants").
func (p *parser) number() int64 {
	sign := ""
	if p.accept("-") {
		sign = "-"
	}
	n, err := strconv.ParseInt(sign+p.now.text, 0, 64)
	if err != nil {
		p.fail("%q where an integer is wanted", p.now.text)
	}
	p.advance()
	return n
}

func (p *parser) directive(m *Module) {
	switch p.now.text {
	case ".version", ".target", ".address_size":
		line := p.now.line
		for p.now.line == line && p.now.text != "" {
			p.advance()
		}
	case ".extern":
		p.advance()
		p.expect(".shared")
		v := p.variable()
		p.expect(";")
		m.Extern = append(m.Extern, v)
	case ".weak", ".visible":
		p.advance()
		p.directive(m)
	case ".shared":
		p.advance()
		m.Shared = append(m.Shared, p.variable())
		p.expect(";")
	case ".global", ".const":
		p.advance()
		m.Constants = append(m.Constants, p.constant())
	case ".entry":
		m.Kernels = append(m.Kernels, p.kernel())
	default:
		p.fail("unknown directive %q", p.now.text)
	}
}

// Bounds of what a variable may ask for; no GPU has more.
const (
	maxAlign = 4096
	maxCount = 1 << 30
)

// variable reads ".align 4 .b8 name[256]" ("Variable Declarations").
func (p *parser) variable() Variable {
	v := Variable{Line: p.now.line}
	if p.accept(".align") {
		n := p.number()
		if n < 1 || n > maxAlign || n&(n-1) != 0 {
			p.fail("an alignment of %d bytes, which is no power of two up to %d", n, maxAlign)
			n = 1
		}
		v.Align = int(n)
	}
	bytes := Bits(strings.TrimPrefix(p.now.text, ".")) / 8
	if bytes == 0 {
		p.fail("unknown type %q", p.now.text)
		bytes = 1
	}
	p.advance()
	if v.Align == 0 {
		v.Align = bytes
	}
	v.Name = p.name()
	count := int64(1)
	if p.accept("[") {
		count = 0
		if p.now.text != "]" {
			count = p.number()
		}
		if count < 0 || count > maxCount {
			p.fail("an array of %d values", count)
			count = 0
		}
		p.expect("]")
	}
	v.Size = bytes * int(count)
	return v
}

func (p *parser) constant() Constant {
	c := Constant{Variable: p.variable()}
	p.expect("=")
	p.expect("{")
	for p.err == nil {
		n := p.number()
		if n < 0 || n > 255 {
			p.fail("%d is no byte", n)
		}
		c.Bytes = append(c.Bytes, byte(n))
		if !p.accept(",") {
			break
		}
	}
	p.expect("}")
	p.expect(";")
	if len(c.Bytes) != c.Size {
		p.fail("%s has %d bytes and %d values", c.Name, c.Size, len(c.Bytes))
	}
	return c
}
