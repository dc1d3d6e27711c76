package config

import (
	"encoding/base64"
	"encoding/json"
)

// keyFields are the members that a key of each type cannot do without.
var keyFields = map[string][]string{
	"RSA": {"n", "e"},
	"EC":  {"crv", "x", "y"},
	"OKP": {"crv", "x"},
	"oct": {"k"},
}

// keySet checks the keys that tokens are verified with: a JWK set or one JWK.
func (c *checker) keySet(p spot, text string) {
	var set struct {
		Keys []map[string]json.RawMessage `json:"keys"`
	}
	if err := json.Unmarshal([]byte(text), &set); err != nil {
		c.bad(p, "jwks is not a JSON Web Key Set: %v", err)
		return
	}
	if set.Keys == nil {
		var one map[string]json.RawMessage
		if err := json.Unmarshal([]byte(text), &one); err != nil || one["kty"] == nil {
			c.bad(p, "jwks has no keys; write {\"keys\": [...]}")
			return
		}
		set.Keys = append(set.Keys, one)
	}
	for i, key := range set.Keys {
		kind := member(key, "kty")
		need, known := keyFields[kind]
		if !known {
			c.bad(p, "key %d has type %q; use RSA, EC, OKP or oct", i, clip(kind))
			continue
		}
		for _, name := range need {
			value := member(key, name)
			if _, err := base64.RawURLEncoding.DecodeString(value); value == "" || name != "crv" && err != nil {
				c.bad(p, "key %d of type %s has no %q in base64url", i, kind, name)
				break
			}
		}
		if kind != "oct" && member(key, "d") != "" {
			c.warn(p, "key %d holds its private part, which whoever reads this object can sign tokens with; leave only the public part", i)
		}
	}
}

// member is a text in a key; empty when it is none.
func member(key map[string]json.RawMessage, name string) string {
	var s string
	if json.Unmarshal(key[name], &s) != nil {
		return ""
	}
	return s
}
