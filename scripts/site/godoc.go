// usage: go run godoc.go DIRECTORY
//
// Writes the reference of the Go package in a directory as Markdown, by go/doc.
package main

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/build"
	"go/doc"
	"go/doc/comment"
	"go/format"
	"go/parser"
	"go/token"
	"log"
	"os"
	"path/filepath"
	"strings"
)

const module = "github.com/libnetns/libnetns/"

type page struct {
	files *token.FileSet
	of    *doc.Package
}

func main() {
	if len(os.Args) != 2 {
		log.Fatal("usage: go run godoc.go DIRECTORY")
	}
	directory := os.Args[1]
	context := build.Default
	context.GOOS, context.CgoEnabled = "linux", true
	of, err := context.ImportDir(directory, 0)
	if err != nil {
		log.Fatal(err)
	}
	files := token.NewFileSet()
	var parsed []*ast.File
	for _, name := range append(of.GoFiles, of.CgoFiles...) {
		file, err := parser.ParseFile(files, filepath.Join(directory, name), nil, parser.ParseComments)
		if err != nil {
			log.Fatal(err)
		}
		parsed = append(parsed, file)
	}
	documented, err := doc.NewFromFiles(files, parsed, module+filepath.ToSlash(directory))
	if err != nil {
		log.Fatal(err)
	}
	page{files, documented}.write()
}

func (p page) write() {
	fmt.Printf("# Go package %s\n\n```go\nimport %q\n```\n\n%s\n", p.of.Name, p.of.ImportPath, p.text(p.of.Doc))
	p.values("Constants", p.of.Consts)
	p.values("Variables", p.of.Vars)
	if len(p.of.Funcs) > 0 {
		fmt.Print("## Functions\n\n")
		p.functions("###", p.of.Funcs)
	}
	for _, t := range p.of.Types {
		p.heading("##", "type "+t.Name, t.Name)
		p.declaration(t.Decl)
		fmt.Println(p.text(t.Doc))
		for _, values := range [][]*doc.Value{t.Consts, t.Vars} {
			for _, v := range values {
				p.declaration(v.Decl)
				fmt.Println(p.text(v.Doc))
			}
		}
		p.functions("###", t.Funcs)
		p.functions("###", t.Methods)
	}
}

func (p page) values(title string, values []*doc.Value) {
	if len(values) > 0 {
		fmt.Printf("## %s\n\n", title)
	}
	for _, v := range values {
		p.declaration(v.Decl)
		fmt.Println(p.text(v.Doc))
	}
}

func (p page) functions(level string, functions []*doc.Func) {
	for _, f := range functions {
		if f.Recv != "" {
			p.heading(level, fmt.Sprintf("func (%s) %s", f.Recv, f.Name), strings.TrimLeft(f.Recv, "*")+"."+f.Name)
		} else {
			p.heading(level, "func "+f.Name, f.Name)
		}
		f.Decl.Body = nil
		p.declaration(f.Decl)
		fmt.Println(p.text(f.Doc))
	}
}

func (p page) heading(level, title, anchor string) {
	fmt.Printf("%s %s { #%s }\n\n", level, strings.NewReplacer("*", `\*`, "_", `\_`).Replace(title), anchor)
}

// declaration writes what go doc shows: without comments of its own, which are the text below it, and with those
// of a structure's fields.
func (p page) declaration(node ast.Decl) {
	switch d := node.(type) {
	case *ast.GenDecl:
		d.Doc = nil
	case *ast.FuncDecl:
		d.Doc = nil
	}
	var out bytes.Buffer
	if err := format.Node(&out, p.files, node); err != nil {
		log.Fatal(err)
	}
	fmt.Printf("```go\n%s\n```\n\n", out.String())
}

func (p page) text(words string) string {
	printer := p.of.Printer()
	printer.HeadingLevel = 4
	printer.HeadingID = func(*comment.Heading) string { return "" }
	return string(printer.Markdown(p.of.Parser().Parse(words)))
}
