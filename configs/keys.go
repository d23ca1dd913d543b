package configs

import (
	"reflect"
	"slices"
	"strings"
)

// knownKeys lists what may stand where a wrong key was found.
func knownKeys(prefix string) []string {
	var out []string
	if strings.HasPrefix(prefix, modemsKey) {
		for _, k := range leaves(reflect.TypeFor[Modem](), prefix) {
			out = append(out, k.key)
		}
		return out
	}
	for _, k := range leaves(reflect.TypeFor[Config](), "") {
		out = append(out, k.key)
		if section, _, nested := strings.Cut(k.key, "."); nested && !slices.Contains(out, section) {
			out = append(out, section)
		}
	}
	return out
}

// mask hides what must not reach a log: a PIN altogether, of a DSN the password.
func mask(key, value string) string {
	switch {
	case value == "":
		return ""
	case strings.HasSuffix(key, ".pin"):
		return strings.Repeat("*", 4)
	case strings.HasSuffix(key, ".dsn"):
		return maskDSN(value)
	}
	return value
}

// envName is the environment variable of a key.
func envName(key string) string {
	return envPrefix + strings.ToUpper(strings.ReplaceAll(key, ".", "_"))
}

type leaf struct {
	key   string
	index []int
}

// leaves lists every key of a configuration struct in the order of its fields.
func leaves(t reflect.Type, prefix string) []leaf {
	var out []leaf
	for i := range t.NumField() {
		f := t.Field(i)
		key := prefix + f.Tag.Get("key")
		if f.Type.Kind() != reflect.Struct {
			out = append(out, leaf{key, []int{i}})
			continue
		}
		for _, inner := range leaves(f.Type, key+".") {
			out = append(out, leaf{inner.key, append([]int{i}, inner.index...)})
		}
	}
	return out
}

func fieldByKey(t reflect.Type, key string) (reflect.StructField, bool) {
	for i := range t.NumField() {
		if f := t.Field(i); f.Tag.Get("key") == key {
			return f, true
		}
	}
	return reflect.StructField{}, false
}
