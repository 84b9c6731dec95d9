package disk

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// Encode is a value as indented JSON with a newline at its end.
func Encode(v any) ([]byte, error) {
	text, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return nil, err
	}
	return append(text, '\n'), nil
}

// Decode decodes one JSON value into the variable that into points to. The value must be all of text and have no unknown
// fields and no null in a list, which Go would take for a zero. Errors start with the place, counted from 1: the byte, and the line where
// text has several; that of an unknown field names the field instead.
func Decode(text []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	err := d.Decode(into)
	if err == nil {
		end := d.InputOffset()
		if rest := bytes.TrimLeft(text[end:], " \t\r\n"); len(rest) > 0 {
			return place(text, len(text)-len(rest)+1, errors.New("text after the end"))
		}
		return noNull(text)
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
		return place(text, int(mismatch.Offset), shortened(err))
	}
	return shortened(err)
}

// longestText is how many bytes an error of the decoder may have, which quotes keys and numbers.
const longestText = 300

// shortened is err, or its beginning and end where its text is long.
func shortened(err error) error {
	text := err.Error()
	if len(text) <= longestText {
		return err
	}
	half := longestText / 2
	return fmt.Errorf("%s ... (%d bytes) ... %s", strings.ToValidUTF8(text[:half], ""), len(text), strings.ToValidUTF8(text[len(text)-half:], ""))
}

// noNull returns an error at the first null in a list of a JSON text.
func noNull(text []byte) error {
	if !bytes.Contains(text, []byte("null")) {
		return nil
	}
	var within []json.Delim
	for d := json.NewDecoder(bytes.NewReader(text)); ; {
		token, err := d.Token()
		if err != nil {
			return nil // the end: the text has been decoded before
		}
		switch at := len(within) - 1; {
		case token == json.Delim('['), token == json.Delim('{'):
			within = append(within, token.(json.Delim))
		case token == json.Delim(']'), token == json.Delim('}'):
			within = within[:at]
		case token == nil && at >= 0 && within[at] == '[':
			return place(text, int(d.InputOffset())-3, errors.New("null stands where a value is wanted"))
		}
	}
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
