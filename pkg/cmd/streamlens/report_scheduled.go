package main

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/streamlens/streamlens/pkg/atomicfile"
	"github.com/streamlens/streamlens/pkg/config"
	"github.com/streamlens/streamlens/pkg/report"
	"github.com/streamlens/streamlens/pkg/report/mail"
	"github.com/streamlens/streamlens/pkg/report/schedule"
	"github.com/streamlens/streamlens/pkg/tenant"
	"github.com/streamlens/streamlens/pkg/widget"
)

// scheduleFolder is the folder of the data directory that says which reports were delivered.
const scheduleFolder = "reports"

// scheduledReport is a report of the configuration.
type scheduledReport struct {
	config       config.Config
	settings     config.Report
	organization tenant.Organization
}

// deliverScheduled delivers the reports of the configuration that are due.
func deliverScheduled(cmd *cobra.Command, path string) error {
	c, err := config.Load(path)
	if err != nil {
		return err
	}
	if len(c.Reports) == 0 {
		return errors.New("the configuration has no reports")
	}
	var jobs []schedule.Job
	for _, settings := range c.Reports {
		organization, err := findOrganization(c, settings.Organization)
		if err != nil {
			return err
		}
		calendar, err := settings.Calendar()
		if err != nil {
			return err
		}
		s := scheduledReport{c, settings, organization}
		// Each way has a job of its own, so that a mail server that is away delays no file.
		if settings.Folder != "" {
			jobs = append(jobs, schedule.Job{Name: settings.Name + " into the folder", Calendar: calendar, Deliver: s.store})
		}
		if len(settings.Mail.To) > 0 {
			jobs = append(jobs, schedule.Job{Name: settings.Name + " by mail", Calendar: calendar, Deliver: s.send})
		}
	}
	logger := slog.New(slog.NewTextHandler(cmd.ErrOrStderr(), nil))
	return schedule.Run(cmd.Context(), filepath.Join(c.DataDir, scheduleFolder), jobs, time.Now, logger)
}

// produce makes the report of a period, and its files.
func (s scheduledReport) produce(ctx context.Context, p schedule.Period) (*report.Report, []mail.File, error) {
	request := widget.Request{Query: s.settings.Query(), From: p.From, To: p.To, Now: time.Now()}
	kind, err := report.ParseKind(s.settings.Kind)
	if err != nil {
		return nil, nil, err
	}
	r, err := makeReport(ctx, s.config, s.organization, kind, request, s.settings.Top)
	if err != nil {
		return nil, nil, err
	}
	r.Title = s.settings.Title
	var layout report.Layout
	if layout.Paper, err = report.ParsePaper(s.settings.Paper); err != nil {
		return nil, nil, err
	}
	var files []mail.File
	for _, name := range s.settings.Formats {
		format, err := report.ParseFormat(name)
		if err != nil {
			return nil, nil, err
		}
		content, err := writeReport(r, format, layout, s.organization)
		if err != nil {
			return nil, nil, err
		}
		fileName := fmt.Sprintf("%s-%s.%s", s.settings.Name, p.Name, format)
		files = append(files, mail.File{Name: fileName, Type: format.MediaType(), Content: content})
	}
	return r, files, nil
}

// store writes the report of a period into the folder.
func (s scheduledReport) store(ctx context.Context, p schedule.Period) error {
	_, files, err := s.produce(ctx, p)
	if err != nil {
		return err
	}
	for _, f := range files {
		if err := atomicfile.Write(filepath.Join(s.settings.Folder, f.Name), f.Content, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// send mails the report of a period.
func (s scheduledReport) send(ctx context.Context, p schedule.Period) error {
	server, err := s.config.SMTP.Server()
	if err != nil {
		return err
	}
	r, files, err := s.produce(ctx, p)
	if err != nil {
		return err
	}
	var text strings.Builder
	if err := r.WriteSummary(&text); err != nil {
		return err
	}
	subject := cmp.Or(s.settings.Mail.Subject, r.Title+", "+r.Organization)
	// The mails of a period have the same id, so that one that is sent again can be known.
	id := sha256.Sum256(fmt.Appendf(nil, "%s\n%s\n%s", s.organization.ID, s.settings.Name, p.Name))
	return mail.Send(ctx, server, mail.Message{
		From: s.settings.Mail.From, To: s.settings.Mail.To, Subject: subject + ", " + p.Title, Text: text.String(),
		ID: fmt.Sprintf("streamlens-%x", id[:16]), Date: r.Made, Files: files,
	})
}
