package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"tali/web"
)

// sealFile is the key of second factors, beside the data that it does not lie in.
const sealFile = "desk.key"

// deskSeal reads the key that second factors are sealed with, or makes it at the
// first start. It never replaces one: what was sealed with it would be lost.
func deskSeal(dataDir string) (*web.Seal, error) {
	path := filepath.Join(dataDir, sealFile)
	k, err := readKeyFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		k = keyFile{key: make([]byte, keySize)}
		rand.Read(k.key)
		if err = os.MkdirAll(dataDir, 0o711); err == nil {
			err = writeKey(path, k)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("key of second factors: %w", err)
	}
	defer clear(k.key)
	if k.election != "" {
		return nil, fmt.Errorf("key of second factors: %s is the key of a regency, name that in auth.master_key_file and take it away here", path)
	}
	return web.NewSeal(k.key)
}
