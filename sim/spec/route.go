package spec

import "strings"

// node is one segment of the routing tree: matching costs one map look-up a segment and allocates only
// for parameters.
type node struct {
	next    map[string]*node
	param   *node
	name    string
	methods map[string]*Operation
}

func tree(list []*API) *node {
	top := &node{}
	for _, a := range list {
		for _, o := range a.Operations {
			top.add(o)
		}
	}
	return top
}

func (n *node) add(o *Operation) {
	for seg := range strings.SplitSeq(strings.Trim(o.FullPath(), "/"), "/") {
		if strings.HasPrefix(seg, "{") {
			if n.param == nil {
				n.param = &node{name: strings.Trim(seg, "{}")}
			}
			n = n.param
			continue
		}
		if n.next == nil {
			n.next = map[string]*node{}
		}
		if n.next[seg] == nil {
			n.next[seg] = &node{}
		}
		n = n.next[seg]
	}
	if n.methods == nil {
		n.methods = map[string]*Operation{}
	}
	n.methods[o.Method] = o
}

func (n *node) match(method, path string) (*Operation, map[string]string, bool) {
	var params map[string]string
	for seg := range strings.SplitSeq(strings.Trim(path, "/"), "/") {
		switch {
		case n.next[seg] != nil:
			n = n.next[seg]
		case n.param != nil && seg != "":
			n = n.param
			if params == nil {
				params = make(map[string]string, 2)
			}
			params[n.name] = seg
		default:
			return nil, nil, false
		}
	}
	if n.methods == nil {
		return nil, nil, false
	}
	return n.methods[method], params, true
}
