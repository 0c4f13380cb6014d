package fleet

import (
	"crypto/rand"
	"fmt"
	"net/url"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// broker is a NATS server in this process, for workers on this machine: on loopback, and only for those who
// were given its token.
type broker struct {
	server *server.Server
	url    string
}

func startBroker() (*broker, error) {
	token := rand.Text()
	s, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: server.RANDOM_PORT, Authorization: token,
		NoLog: true, NoSigs: true, NoSystemAccount: true})
	if err != nil {
		return nil, fmt.Errorf("load fleet: embedded NATS server: %w", err)
	}
	go s.Start()
	if !s.ReadyForConnections(10 * time.Second) {
		s.Shutdown()
		return nil, fmt.Errorf("load fleet: the embedded NATS server did not start")
	}
	address := url.URL{Scheme: "nats", User: url.User(token), Host: s.Addr().String()}
	return &broker{s, address.String()}, nil
}

func (b *broker) close() {
	b.server.Shutdown()
	b.server.WaitForShutdown()
}
