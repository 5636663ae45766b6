package policies

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
)

// allowedBuiltins are the functions that a rule may call, whoever wrote it; a name that ends in "." allows all
// that begin with it. It is a list of what is allowed, so that a function that a later OPA adds stays out until
// somebody has read it. A rule that names anything else does not compile, also where it hides behind `with`
// (CVE-2022-36085), since OPA then does not know that there is such a function.
//
// Left out on purpose: whatever reaches the network or the file system (http.send, net.lookup_ip_addr, and
// json.match_schema, json.verify_schema and graphql, whose schemas may refer to either), the environment
// (opa.runtime), keys and signing (io.jwt.encode_sign, crypto.parse_private_keys, providers.aws.sign_req),
// chance (rand.intn, uuid.rfc4122) and Rego itself (rego.parse_module).
var allowedBuiltins = []string{
	// Operators, and what the compiler writes in their stead.
	"and", "assign", "div", "eq", "equal", "gt", "gte", "lt", "lte", "minus", "mul", "neq", "or", "plus", "rem",
	"internal.member_2", "internal.member_3", "internal.print", "internal.template_string", "print",
	// Values.
	"abs", "array.", "bits.", "ceil", "contains", "count", "floor", "graph.", "indexof", "indexof_n", "intersection",
	"is_array", "is_boolean", "is_null", "is_number", "is_object", "is_set", "is_string", "max", "min", "numbers.",
	"object.", "product", "round", "sort", "sum", "to_number", "type_name", "union", "walk",
	"json.filter", "json.patch", "json.remove",
	// Text.
	"concat", "endswith", "format_int", "glob.", "lower", "regex.", "replace", "semver.", "split", "sprintf",
	"startswith", "strings.", "substring", "trim", "trim_left", "trim_prefix", "trim_right", "trim_space",
	"trim_suffix", "units.", "upper",
	// Encodings and notations.
	"base64.", "base64url.", "hex.", "json.is_valid", "json.marshal", "json.marshal_with_options", "json.unmarshal",
	"uri.", "urlquery.", "uuid.parse", "crypto.md5", "crypto.sha1", "crypto.sha256",
	"net.cidr_contains", "net.cidr_contains_matches", "net.cidr_expand", "net.cidr_intersects",
	"net.cidr_is_valid", "net.cidr_merge",
	// Dates. time.now_ns is for users' rules only: what our own rules say of an object must not change overnight.
	"time.add_date", "time.clock", "time.date", "time.diff", "time.format", "time.parse_duration_ns",
	"time.parse_ns", "time.parse_rfc3339_ns", "time.weekday",
}

// userBuiltins are what users' rules may call besides, so that policies that were written for conftest run as they
// stand: the clock, YAML inside of objects, what certificates say, notes for a trace, their own METADATA, and what
// Rego v0 still had.
var userBuiltins = []string{
	"time.now_ns", "yaml.", "trace", "rego.metadata.", "crypto.x509.parse_certificates", "crypto.x509.parse_certificate_request",
	"io.jwt.decode", "all", "any", "cast_array", "cast_boolean", "cast_null", "cast_object", "cast_set",
	"cast_string", "re_match", "set_diff", "net.cidr_overlap",
}

// capabilities returns what OPA lets a rule use: the functions that are allowed, and no host to fetch a schema
// from.
func capabilities(allowed ...string) *ast.Capabilities {
	capabilities := ast.CapabilitiesForThisVersion()
	capabilities.AllowNet = []string{} // empty means none, nil would mean any
	capabilities.Builtins = slices.DeleteFunc(capabilities.Builtins, func(b *ast.Builtin) bool {
		return !slices.ContainsFunc(allowed, func(name string) bool {
			return name == b.Name || strings.HasSuffix(name, ".") && strings.HasPrefix(b.Name, name)
		})
	})
	return capabilities
}

var undefinedFunction = regexp.MustCompile(`undefined function ([\w.]+)`)

// forbidden adds to an error of OPA's compiler that a function which it does not know is one that there is, and
// that rules may not call.
func forbidden(err error) error {
	found := undefinedFunction.FindStringSubmatch(err.Error())
	if found == nil || ast.BuiltinMap[found[1]] == nil {
		return err
	}
	return fmt.Errorf("%w (OPA has %s, but rules may not call it: they judge without network, files, environment and chance)", err, found[1])
}
