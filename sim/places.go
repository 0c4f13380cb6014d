package sim

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strconv"

	"github.com/ensaio/ensaio/directory-mock"
)

// places are the listeners of every role, opened first, since everybody's address stands in somebody
// else's documents.
type places struct {
	directory, bank, pcm, pki, pages, core, control, console, proxy net.Listener
}

// openPlaces opens every listener. With a directory the ports of the first start are used again, since
// they stand in registrations and links that are kept.
func (e *Ecosystem) openPlaces() (*places, error) {
	e.net = newNetwork(e.clock, e.log, e.options.PortBase)
	kept := filepath.Join(e.options.Dir, "ports.json")
	if e.options.Dir != "" {
		b, err := os.ReadFile(kept)
		switch {
		case err == nil:
			if err := json.Unmarshal(b, &e.net.kept); err != nil {
				return nil, fmt.Errorf("%s is damaged: %w", kept, err)
			}
		case !errors.Is(err, fs.ErrNotExist):
			return nil, err
		}
	}
	p := &places{}
	var opened []net.Listener
	for i, role := range []struct {
		name  string
		into  *net.Listener
		names []string
	}{
		{"directory", &p.directory, directory.At(0).Hosts()},
		{"bank", &p.bank, []string{nameIssuer, nameAuthTLS, nameAPI}},
		{"metrics platform", &p.pcm, []string{namePCMAuth, namePCM}},
		{"certificate authority", &p.pki, []string{nameCRL, nameOCSP}},
		{"third parties' pages", &p.pages, e.cast.hosts()},
		{"core bank", &p.core, []string{nameCore}},
		{"console", &p.console, []string{nameConsole}},
		{"control", &p.control, []string{nameControl}},
		{"proxy", &p.proxy, []string{nameProxy}},
	} {
		l, err := e.net.claim(role.name, i, role.names...)
		if err != nil {
			for _, o := range opened {
				_ = o.Close()
			}
			return nil, err
		}
		*role.into = l
		opened = append(opened, l)
	}
	e.after(func() {
		for _, l := range opened {
			_ = l.Close()
		}
	})
	e.directory = directory.At(port(p.directory))
	e.control = "http://127.0.0.1:" + strconv.Itoa(port(p.control))
	e.proxy = "http://127.0.0.1:" + strconv.Itoa(port(p.proxy))
	e.console = e.net.url(nameConsole)
	if e.options.Dir == "" {
		return p, nil
	}
	b, err := json.MarshalIndent(e.net.kept, "", "  ")
	if err != nil {
		return nil, err
	}
	return p, writeFile(kept, append(b, '\n'))
}

func port(l net.Listener) int {
	at, _ := l.Addr().(*net.TCPAddr)
	return at.Port
}
