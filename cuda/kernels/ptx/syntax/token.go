package syntax

import (
	"fmt"
	"strings"
)

// token is a word - identifier, directive, opcode, number - or a single character of punctuation.
type token struct {
	text string
	line int
}

// scanner splits PTX into tokens, without comments ("Source Format", "Comments").
type scanner struct {
	text string
	line int
}

func isWord(c byte) bool {
	return c == '_' || c == '$' || c == '%' || c == '.' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

func (s *scanner) next() (token, error) {
	s.skip()
	if s.text == "" {
		return token{"", s.line}, nil
	}
	n := 0
	for n < len(s.text) && isWord(s.text[n]) {
		n++
	}
	switch {
	case n == 0 && s.text[0] == '"':
		end := strings.IndexAny(s.text[1:], "\"\n")
		if end < 0 || s.text[1+end] != '"' {
			return token{}, fmt.Errorf("line %d: a string has no end", s.line)
		}
		n = end + 2
	case n == 0 && strings.IndexByte("{}()[]<>,;:=@!+-", s.text[0]) >= 0:
		n = 1
	case n == 0:
		return token{}, fmt.Errorf("line %d: unknown character %q", s.line, s.text[0])
	}
	t := token{s.text[:n], s.line}
	s.text = s.text[n:]
	return t, nil
}

// skip drops blanks and comments.
func (s *scanner) skip() {
	for s.text != "" {
		switch {
		case s.text[0] == '\n':
			s.line++
			s.text = s.text[1:]
		case strings.IndexByte(" \t\r", s.text[0]) >= 0:
			s.text = s.text[1:]
		case strings.HasPrefix(s.text, "//"):
			end := strings.IndexByte(s.text, '\n')
			if end < 0 {
				end = len(s.text)
			}
			s.text = s.text[end:]
		default:
			return
		}
	}
}
