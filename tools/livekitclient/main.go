// Command livekitclient is a participant of a room of LiveKit, who publishes noise or watches until it is interrupted. It says on its output when it has
// joined, publishes and has left.
package main

import (
	"context"
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"time"

	lksdk "github.com/livekit/server-sdk-go/v2"
	"github.com/pion/webrtc/v4"
	"github.com/pion/webrtc/v4/pkg/media"
)

// frame is the time between two frames.
const frame = 40 * time.Millisecond

// noise are frames that nobody can decode, which LiveKit does not mind.
type noise struct{ lksdk.BaseSampleProvider }

// NextSample implements lksdk.SampleProvider.
func (*noise) NextSample(context.Context) (media.Sample, error) {
	data := make([]byte, 1000)
	_, _ = rand.Read(data) // it never fails
	return media.Sample{Data: data, Duration: frame}, nil
}

func main() {
	url := flag.String("url", "ws://127.0.0.1:7880", "where LiveKit is")
	key := flag.String("key", "", "its API key")
	secret := flag.String("secret", "", "and the secret of that")
	room := flag.String("room", "arena", "room to join")
	identity := flag.String("identity", "", "who joins")
	publish := flag.Bool("publish", false, "publish a picture")
	flag.Parse()
	if err := join(*url, lksdk.ConnectInfo{APIKey: *key, APISecret: *secret, RoomName: *room, ParticipantIdentity: *identity}, *publish); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func join(url string, who lksdk.ConnectInfo, publish bool) error {
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt)
	defer cancel()
	room, err := lksdk.ConnectToRoom(url, who, &lksdk.RoomCallback{})
	if err != nil {
		return fmt.Errorf("join: %w", err)
	}
	fmt.Println("joined")
	if publish {
		track, err := lksdk.NewLocalSampleTrack(webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeVP8, ClockRate: 90_000})
		if err == nil {
			err = track.StartWrite(&noise{}, nil)
		}
		if err == nil {
			_, err = room.LocalParticipant.PublishTrack(track, &lksdk.TrackPublicationOptions{Name: "noise", VideoWidth: 640, VideoHeight: 360})
		}
		if err != nil {
			room.Disconnect()
			return errors.Join(errors.New("publish"), err)
		}
		fmt.Println("publishes")
	}
	<-ctx.Done()
	room.Disconnect()
	fmt.Println("left")
	return nil
}
