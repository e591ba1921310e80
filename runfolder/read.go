package runfolder

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
)

// ReadJSON reads a file that holds one JSON document, such as result.json. A missing file is fs.ErrNotExist.
func ReadJSON(path string, to any) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(data, to); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

// ReadLines reads a file of one JSON document a line, such as metrics.jsonl. A missing file is fs.ErrNotExist.
func ReadLines[T any](path string) ([]T, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var records []T
	decoder := json.NewDecoder(bytes.NewReader(data))
	for {
		var record T
		if err := decoder.Decode(&record); errors.Is(err, io.EOF) {
			return records, nil
		} else if err != nil {
			return nil, fmt.Errorf("%s: document %d: %w", path, len(records)+1, err)
		}
		records = append(records, record)
	}
}
