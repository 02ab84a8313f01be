package channeltest

import (
	"fmt"
	"reflect"
	"strings"
)

// dumpValue returns all that a value holds, whatever its methods print, to see whether it
// changed.
func dumpValue(value any) string {
	var out strings.Builder
	dumpInto(&out, reflect.ValueOf(value), 0)
	return out.String()
}

const maxDumpDepth = 20 // of values that point to themselves

func dumpInto(out *strings.Builder, v reflect.Value, depth int) {
	if !v.IsValid() || depth > maxDumpDepth {
		out.WriteString("none,")
		return
	}
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		dumpInto(out, v.Elem(), depth+1)
	case reflect.Struct:
		for _, field := range v.Fields() {
			dumpInto(out, field, depth+1)
		}
	case reflect.Slice, reflect.Array:
		fmt.Fprintf(out, "%d:", v.Len())
		for i := range v.Len() {
			dumpInto(out, v.Index(i), depth+1)
		}
	case reflect.Map:
		fmt.Fprintf(out, "%d:", v.Len()) // the order of the keys differs
	case reflect.String:
		fmt.Fprintf(out, "%q,", v.String())
	case reflect.Bool:
		fmt.Fprintf(out, "%t,", v.Bool())
	case reflect.Func, reflect.Chan, reflect.UnsafePointer:
		out.WriteString("opaque,")
	default:
		fmt.Fprintf(out, "%v,", numberOf(v))
	}
}

// numberOf returns a number without its type's methods.
func numberOf(v reflect.Value) any {
	switch {
	case v.CanInt():
		return v.Int()
	case v.CanUint():
		return v.Uint()
	case v.CanFloat():
		return v.Float()
	default:
		return v.Complex()
	}
}
