#include "server/mail/invitation.h"

static const char *const weekdays_en[] = {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};
static const char *const weekdays_ja[] = {"月", "火", "水", "木", "金", "土", "日"};
static const char *const months_en[] = {"January",   "February", "March",    "April",
                                        "May",       "June",     "July",     "August",
                                        "September", "October",  "November", "December"};

static const char *role_name(const MnbInvitation *invitation)
{
    gboolean ja = invitation->is_japanese;
    switch (invitation->role) {
    case MNB_ROLE_FACILITATOR:
        return ja ? "進行役" : "facilitator";
    case MNB_ROLE_PRESENTER:
        return ja ? "発表者" : "presenter";
    case MNB_ROLE_INTERPRETER:
        return ja ? "通訳者" : "interpreter";
    case MNB_ROLE_OBSERVER:
        return ja ? "オブザーバー" : "observer";
    default:
        return ja ? "参加者" : "participant";
    }
}

static const char *or_other(const char *wanted, const char *other)
{
    return wanted != NULL && wanted[0] != '\0' ? wanted : other != NULL ? other : "";
}

static const char *title_of(const MnbInvitation *invitation, gboolean ja)
{
    const MnbEvent *event = invitation->event;
    return ja ? or_other(event->title_ja, event->title_en)
              : or_other(event->title_en, event->title_ja);
}

static GDateTime *local_time(gint64 wall_us, const char *time_zone)
{
    g_autoptr(GTimeZone) zone = g_time_zone_new_identifier(time_zone);
    g_autoptr(GDateTime) utc = g_date_time_new_from_unix_utc(wall_us / G_USEC_PER_SEC);
    if (zone == NULL || utc == NULL)
        return utc != NULL ? g_date_time_ref(utc) : g_date_time_new_from_unix_utc(0);
    return g_date_time_to_timezone(utc, zone);
}

static void add_date(GString *out, GDateTime *at, gboolean ja)
{
    int weekday = g_date_time_get_day_of_week(at) - 1;
    int month = g_date_time_get_month(at);
    if (ja)
        g_string_append_printf(out, "%d年%d月%d日(%s)", g_date_time_get_year(at), month,
                               g_date_time_get_day_of_month(at), weekdays_ja[weekday]);
    else
        g_string_append_printf(out, "%s %d %s %d", weekdays_en[weekday],
                               g_date_time_get_day_of_month(at), months_en[month - 1],
                               g_date_time_get_year(at));
}

/* "Tue 24 November 2026, 14:00-15:30 (Asia/Tokyo)" */
static void add_span(GString *out, const MnbInvitation *invitation, const char *zone)
{
    gint64 from_us = invitation->event->starts_us;
    gint64 to_us = from_us + (gint64)invitation->event->duration_s * G_USEC_PER_SEC;
    g_autoptr(GDateTime) from = local_time(from_us, zone);
    g_autoptr(GDateTime) to = local_time(to_us, zone);
    g_autofree char *begins = g_date_time_format(from, "%H:%M");
    g_autofree char *ends = g_date_time_format(to, "%H:%M");
    gboolean ja = invitation->is_japanese;
    add_date(out, from, ja);
    g_string_append_printf(out, "%s%s%s", ja ? " " : ", ", begins, ja ? "～" : "–");
    if (g_date_time_get_day_of_year(from) != g_date_time_get_day_of_year(to)) {
        add_date(out, to, ja);
        g_string_append(out, ja ? " " : ", ");
    }
    g_string_append_printf(out, ja ? "%s（%s）\n" : "%s (%s)\n", ends, zone);
}

char *mnb_invitation_subject(const MnbInvitation *invitation)
{
    return g_strdup_printf(invitation->is_japanese ? "ご案内：%s" : "Invitation: %s",
                           title_of(invitation, invitation->is_japanese));
}

static void add_place(GString *out, const MnbInvitation *invitation)
{
    const MnbEvent *event = invitation->event;
    const char *venue = invitation->is_japanese ? or_other(event->venue_ja, event->venue_en)
                                                : or_other(event->venue_en, event->venue_ja);
    if (event->attendance == MNB_ATTENDANCE_ONLINE)
        g_string_append(out, invitation->is_japanese ? "オンライン開催" : "Online");
    else
        g_string_append(out, venue[0] != '\0' ? venue : invitation->city);
    g_string_append_printf(out, invitation->is_japanese ? "（主催：%s）\n" : " (host city: %s)\n",
                           invitation->city);
}

char *mnb_invitation_text(const MnbInvitation *invitation)
{
    gboolean ja = invitation->is_japanese;
    const MnbEvent *event = invitation->event;
    const char *title = title_of(invitation, ja);
    const char *other = title_of(invitation, !ja);
    GString *out = g_string_new(NULL);
    g_string_append_printf(out, ja ? "%s 様\n\n" : "Dear %s,\n\n", invitation->name);
    g_string_append_printf(out,
                           ja ? "次のイベントに%sとしてご招待します。\n\n"
                              : "you are invited as %s to this event:\n\n",
                           role_name(invitation));
    g_string_append_printf(out, "%s\n", title);
    if (g_strcmp0(title, other) != 0)
        g_string_append_printf(out, "%s\n", other);
    add_span(out, invitation, event->time_zone);
    if (g_strcmp0(event->time_zone, "UTC") != 0)
        add_span(out, invitation, "UTC");
    add_place(out, invitation);
    if (invitation->note[0] != '\0')
        g_string_append_printf(out, "\n%s\n", invitation->note);
    g_string_append_printf(
        out,
        ja ? "\n次のリンクをブラウザーで開いてください。インストールは不要です。\n%s\n\n"
             "このリンクはご本人専用です。ほかの方に渡さないでください。"
           : "\nOpen this link in a browser; nothing needs to be installed:\n%s\n\n"
             "The link is for you alone: please do not pass it on.",
        invitation->url);
    if (invitation->expires_us != 0) {
        g_autoptr(GDateTime) until = local_time(invitation->expires_us, event->time_zone);
        g_string_append(out, ja ? "有効期限：" : " It works until ");
        add_date(out, until, ja);
        g_string_append(out, ja ? "。" : ".");
    }
    g_string_append(out, ja ? "\n予定表に追加できるファイルを添付しています。\n"
                            : "\nThe attached file adds the event to your calendar.\n");
    return g_string_free(out, FALSE);
}
