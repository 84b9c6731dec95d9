package syntax

import "strings"

// kernel reads an .entry with its parameters, performance directives and body.
func (p *parser) kernel() *Kernel {
	k := &Kernel{Line: p.now.line}
	p.expect(".entry")
	k.Name = p.name()
	p.expect("(")
	for !p.accept(")") && p.err == nil {
		p.expect(".param")
		v := p.variable()
		k.ParameterBytes = (k.ParameterBytes + v.Align - 1) / v.Align * v.Align
		k.Parameters = append(k.Parameters, Parameter{v, k.ParameterBytes})
		k.ParameterBytes += v.Size
		if p.now.text != ")" {
			p.expect(",")
		}
	}
	for p.now.text != "{" && p.err == nil { // the driver reads .maxntid and .minnctapersm; they change no result
		switch p.advance() {
		case ".maxntid", ".minnctapersm":
			for p.number(); p.accept(","); {
				p.number()
			}
		default:
			p.fail("unknown directive of a kernel before %q", p.now.text)
		}
	}
	p.expect("{")
	for depth := 1; depth > 0 && p.err == nil; {
		p.statement(k, &depth)
	}
	return k
}

func (p *parser) statement(k *Kernel, depth *int) {
	line := p.now.line
	add := func(s Statement) {
		s.Line = line
		k.Body = append(k.Body, s)
	}
	switch word := p.now.text; {
	case p.accept("{"):
		*depth++
		add(Statement{Begin: true})
	case p.accept("}"):
		if *depth--; *depth > 0 {
			add(Statement{End: true})
		}
	case p.accept(".pragma"):
		p.advance()
		p.expect(";")
	case p.accept(".shared"):
		k.Shared = append(k.Shared, p.variable())
		p.expect(";")
	case p.accept(".reg"):
		r := p.register()
		if *depth > 1 {
			add(Statement{Register: &r})
		} else {
			k.Registers = append(k.Registers, r)
		}
	case word == "@" || word != "" && isWord(word[0]) && word[0] != '.':
		p.labelOrInstruction(add)
	default:
		p.fail("unknown statement at %q", word)
	}
}

// register reads ".b32 %r<150>;" or ".pred p;" ("Parameterized Variable Names").
func (p *parser) register() Register {
	r := Register{Type: strings.TrimPrefix(p.advance(), ".")}
	if Bits(r.Type) == 0 {
		p.fail("unknown type %q of a register", r.Type)
	}
	r.Prefix = p.name()
	if p.accept("<") {
		r.Count = int(p.number())
		p.expect(">")
	}
	p.expect(";")
	return r
}

func (p *parser) labelOrInstruction(add func(Statement)) {
	i := &Instruction{Line: p.now.line}
	if p.accept("@") {
		i.Negated = p.accept("!")
		i.Guard = p.name()
	}
	i.Opcode = p.name()
	if i.Guard == "" && p.accept(":") {
		add(Statement{Label: i.Opcode})
		return
	}
	for p.now.text != ";" && p.err == nil {
		i.Operands = append(i.Operands, p.operand())
		if p.now.text != ";" {
			p.expect(",")
		}
	}
	p.expect(";")
	add(Statement{Instruction: i})
}

func (p *parser) operand() Operand {
	switch {
	case p.accept("{"):
		o := Operand{}
		for p.err == nil {
			o.Vector = append(o.Vector, p.name())
			if !p.accept(",") {
				break
			}
		}
		p.expect("}")
		return o
	case p.accept("["):
		o := Operand{Name: p.name(), Address: true}
		if p.accept("+") {
			o.Offset = p.number()
		}
		p.expect("]")
		return o
	case p.accept("-"):
		return Operand{Name: "-" + p.name()}
	}
	return Operand{Name: p.name()}
}
