// Program scanner holds rules about miners and is none.
package main

import (
	_ "embed"
	"fmt"
)

//go:embed miners.yar
var rules string

func main() { fmt.Println(len(rules)) }
