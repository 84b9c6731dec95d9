package disk

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// Decode decodes one JSON value into the variable that into points to. The value must be all of text and have no unknown
// fields. Errors start with the place, counted from 1: the byte, and the line where text has several; that of an unknown field
// names the field instead.
func Decode(text []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	err := d.Decode(into)
	if err == nil {
		end := d.InputOffset()
		if rest := bytes.TrimLeft(text[end:], " \t\r\n"); len(rest) > 0 {
			return place(text, len(text)-len(rest)+1, errors.New("text after the end"))
		}
		return nil
	}
	var syntax *json.SyntaxError
	var mismatch *json.UnmarshalTypeError
	switch {
	case errors.Is(err, io.EOF):
		return errors.New("it is empty")
	case errors.Is(err, io.ErrUnexpectedEOF):
		return place(text, len(text), err)
	case errors.As(err, &syntax):
		return place(text, int(syntax.Offset), err)
	case errors.As(err, &mismatch):
		return place(text, int(mismatch.Offset), err)
	}
	return err
}

// place is err at the byte of text with that number, counted from 1.
func place(text []byte, number int, err error) error {
	before := text[:max(number-1, 0)]
	if !bytes.ContainsRune(bytes.TrimRight(text, "\n"), '\n') {
		return fmt.Errorf("byte %d: %w", number, err)
	}
	line := bytes.Count(before, []byte("\n")) + 1
	return fmt.Errorf("line %d, byte %d: %w", line, number-bytes.LastIndexByte(before, '\n')-1, err)
}
