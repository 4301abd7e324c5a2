#include "recordings/search.h"

#include "recordings/cjk2.h"
#include "recordings/fields.h"
#include "recordings/moment.h"
#include "recordings/snippet.h"
#include "recordings/taxonomy.h"
#include "recordings/visit.h"
#include "server/base/error.h"
#include "tests/unit/recordings/fixture.h"

/* Publishes a recording so that it is on the catalogue's pages. Returns its id (owned). */
static char *add(MnbDb *db, MnbRecording *recording, int hours)
{
    g_autoptr(GError) error = NULL;
    recording->state = MNB_RECORDING_PUBLISHED;
    recording->published_us = NOW_US + (gint64)hours * 3600 * G_USEC_PER_SEC;
    g_assert_true(mnb_recording_insert(db, recording, NOW_US, &error));
    g_assert_no_error(error);
    char *id = g_strdup(recording->id);
    mnb_recording_free(recording);
    return id;
}

static void add_texts(MnbDb *db, const char *title_ja, const char *description_ja, int hours)
{
    MnbRecording *recording = fixture_recording("", title_ja);
    recording->description_ja = g_strdup(description_ja);
    g_free(recording->area);
    recording->area = g_strdup("urban-services");
    g_free(add(db, recording, hours));
}

static MnbSearchResult *find(MnbDb *db, MnbSearchQuery query)
{
    g_autoptr(GError) error = NULL;
    if (query.limit == 0)
        query.limit = 24;
    MnbSearchResult *result = mnb_search(db, &query, &error);
    g_assert_no_error(error);
    g_assert_nonnull(result);
    return result;
}

static guint count(MnbDb *db, const char *text)
{
    g_autoptr(MnbSearchResult) result = find(db, (MnbSearchQuery){.text = text});
    return result->total;
}

static const char *title_of(const MnbSearchResult *result, guint at)
{
    g_assert_cmpint(at, <, result->hits->len);
    return ((MnbSearchHit *)result->hits->pdata[at])->recording->title_ja;
}

static void test_two_characters(void)
{
    Fixture fixture;
    fixture_open_db(&fixture);
    add_texts(fixture.db, "北九州市の地域防災計画について", "", 1);
    add_texts(fixture.db, "上下水道の更新",
              "老朽化した水道管を更新する自治体の取り組みを紹介します。", 2);
    g_assert_cmpint(count(fixture.db, "防災"), ==, 1);
    g_assert_cmpint(count(fixture.db, "計画"), ==, 1);
    g_assert_cmpint(count(fixture.db, "水道"), ==, 1);
    g_assert_cmpint(count(fixture.db, "更新"), ==, 1);
    g_assert_cmpint(count(fixture.db, "自治"), ==, 1);
    g_assert_cmpint(count(fixture.db, "地域防災計画"), ==, 1);
    /* All its pairs are there, but not one after the other. */
    g_assert_cmpint(count(fixture.db, "防災地域"), ==, 0);
    g_assert_cmpint(count(fixture.db, "水"), ==, 1);
    g_assert_cmpint(count(fixture.db, "洪水"), ==, 0);
    /* The place and area names are text too: every recording here is of Kitakyushu. */
    g_assert_cmpint(count(fixture.db, "Kitakyushu"), ==, 2);
    g_assert_cmpint(count(fixture.db, "北九州"), ==, 2);
    g_assert_cmpint(count(fixture.db, "福岡"), ==, 2);
    fixture_close(&fixture);
}

static void test_kana(void)
{
    Fixture fixture;
    fixture_open_db(&fixture);
    add_texts(fixture.db, "ゴミゼロ運動とリサイクル", "", 1);
    g_assert_cmpint(count(fixture.db, "ごみ"), ==, 1);
    g_assert_cmpint(count(fixture.db, "ゴミ"), ==, 1);
    g_assert_cmpint(count(fixture.db, "ｺﾞﾐ"), ==, 1);
    g_assert_cmpint(count(fixture.db, "りさいくる"), ==, 1);
    g_assert_cmpint(count(fixture.db, "こみ"), ==, 0);
    fixture_close(&fixture);
}

static void test_either_language(void)
{
    Fixture fixture;
    fixture_open_db(&fixture);
    g_free(
        add(fixture.db, fixture_recording("Flood control in the Murasaki basin", "紫川の治水"), 1));
    g_assert_cmpint(count(fixture.db, "flood"), ==, 1);
    g_assert_cmpint(count(fixture.db, "FLOOD  Ｃｏｎｔｒｏｌ"), ==, 1);
    g_assert_cmpint(count(fixture.db, "floo"), ==, 1);
    g_assert_cmpint(count(fixture.db, "floo control"), ==, 0);
    g_assert_cmpint(count(fixture.db, "治水"), ==, 1);
    g_assert_cmpint(count(fixture.db, "治水 flood"), ==, 1);
    g_assert_cmpint(count(fixture.db, "治水 drought"), ==, 0);
    g_assert_cmpint(count(fixture.db, "\"control flood\" OR * NOT"), ==, 0);
    g_assert_cmpint(count(fixture.db, "'; DROP TABLE recording; --"), ==, 0);
    g_assert_cmpint(count(fixture.db, "!?"), ==, 0);
    g_assert_cmpint(count(fixture.db, " "), ==, 1);
    g_assert_cmpint(count(fixture.db, "\xff\xfe"), ==, 0);
    fixture_close(&fixture);
}

static void test_order(void)
{
    Fixture fixture;
    fixture_open_db(&fixture);
    add_texts(fixture.db, "甲", "防災", 1);
    add_texts(fixture.db, "乙の防災", "", 2);
    add_texts(fixture.db, "丙", "防災", 3);
    add_texts(fixture.db, "丁の防災", "", 4);
    /* This one has it in the name of its area (防災・災害リスク管理). */
    g_free(add(fixture.db, fixture_recording("", "戊"), 0));
    g_autoptr(MnbSearchResult) newest = find(fixture.db, (MnbSearchQuery){0});
    g_assert_cmpint(newest->total, ==, 5);
    g_assert_cmpstr(title_of(newest, 0), ==, "丁の防災");
    g_assert_cmpstr(title_of(newest, 4), ==, "戊");
    g_autoptr(MnbSearchResult) best = find(fixture.db, (MnbSearchQuery){.text = "防災"});
    g_assert_cmpint(best->total, ==, 5);
    g_assert_cmpstr(title_of(best, 0), ==, "丁の防災");
    g_assert_cmpstr(title_of(best, 1), ==, "乙の防災");
    g_assert_cmpstr(title_of(best, 2), ==, "戊");
    g_assert_cmpstr(title_of(best, 3), ==, "丙");
    g_assert_cmpstr(title_of(best, 4), ==, "甲");
    fixture_close(&fixture);
}

static void test_pages(void)
{
    Fixture fixture;
    fixture_open_db(&fixture);
    for (int i = 0; i < 25; i++) {
        g_autofree char *title = g_strdup_printf("会議%02d", i);
        add_texts(fixture.db, i % 3 == 0 ? title : "集まり", i % 3 == 0 ? "" : "会議", i);
    }
    g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    for (guint offset = 0; offset < 30; offset += 7) {
        g_autoptr(MnbSearchResult) page =
            find(fixture.db, (MnbSearchQuery){.text = "会議", .offset = offset, .limit = 7});
        g_assert_cmpint(page->total, ==, 25);
        g_assert_cmpint(page->hits->len, ==, MIN(7, 25 - MIN(offset, 25)));
        for (guint i = 0; i < page->hits->len; i++) {
            MnbSearchHit *hit = page->hits->pdata[i];
            g_assert_true(g_hash_table_add(seen, g_strdup(hit->recording->id)));
        }
    }
    g_assert_cmpint(g_hash_table_size(seen), ==, 25);
    fixture_close(&fixture);
}

static guint facet(GPtrArray *facets, const char *code)
{
    for (guint i = 0; i < facets->len; i++) {
        MnbFacet *entry = facets->pdata[i];
        if (g_str_equal(entry->code, code))
            return entry->count;
    }
    return 0;
}

static void add_at(MnbDb *db, const char *area, const char *city, const char *language)
{
    MnbRecording *recording = fixture_recording("Water supply", "");
    g_free(recording->area);
    g_free(recording->city);
    g_strfreev(recording->languages);
    recording->area = g_strdup(area);
    recording->city = g_strdup(city);
    recording->languages = g_strsplit(language, ",", 0);
    g_free(add(db, recording, 1));
}

static void test_facets(void)
{
    Fixture fixture;
    fixture_open_db(&fixture);
    add_at(fixture.db, "urban-services", "40100", "en");
    add_at(fixture.db, "urban-services", "40100", "en,ja");
    add_at(fixture.db, "urban-services", "01100", "ja");
    add_at(fixture.db, "municipal-finance", "40100", "ja");
    g_autoptr(MnbSearchResult) all = find(fixture.db, (MnbSearchQuery){.text = "water"});
    g_assert_cmpint(all->total, ==, 4);
    g_assert_cmpint(facet(all->facets[MNB_FACET_AREA], "urban-services"), ==, 3);
    g_assert_cmpint(facet(all->facets[MNB_FACET_AREA], "municipal-finance"), ==, 1);
    g_assert_cmpint(facet(all->facets[MNB_FACET_CITY], "40100"), ==, 3);
    g_assert_cmpstr(((MnbFacet *)all->facets[MNB_FACET_AREA]->pdata[0])->code, ==,
                    "urban-services");
    /* With a filter on, its own counts still show what the others would give. */
    g_autoptr(MnbSearchResult) area =
        find(fixture.db, (MnbSearchQuery){.filters = {"urban-services", "40100"}});
    g_assert_cmpint(area->total, ==, 2);
    g_assert_cmpint(facet(area->facets[MNB_FACET_AREA], "municipal-finance"), ==, 1);
    g_assert_cmpint(facet(area->facets[MNB_FACET_CITY], "01100"), ==, 1);
    g_autoptr(MnbSearchResult) japanese =
        find(fixture.db, (MnbSearchQuery){.filters = {[MNB_FACET_LANGUAGE] = "ja"}});
    g_assert_cmpint(japanese->total, ==, 3);
    g_autoptr(MnbSearchResult) none = find(fixture.db, (MnbSearchQuery){.filters = {"no-such"}});
    g_assert_cmpint(none->total, ==, 0);
    g_autoptr(GError) error = NULL;
    g_autoptr(MnbArea) services = mnb_area_find(fixture.db, "urban-services", &error);
    g_assert_no_error(error);
    g_assert_cmpint(services->n_recordings, ==, 3);
    g_autoptr(MnbCity) kitakyushu = mnb_city_find(fixture.db, "40100", &error);
    g_assert_no_error(error);
    g_assert_cmpint(kitakyushu->n_recordings, ==, 3);
    fixture_close(&fixture);
}

static void test_more_facets(void)
{
    Fixture fixture;
    fixture_open_db(&fixture);
    g_autoptr(GError) error = NULL;
    MnbRecording *visit = fixture_recording("Water works", "");
    const char *more[] = {"municipal-finance", NULL};
    visit->more_areas = g_strdupv((char **)more);
    visit->duration_us = 12 * 60 * (gint64)G_USEC_PER_SEC;
    const gint64 new_year_us = G_GINT64_CONSTANT(1735657200000000); /* 2025-01-01T00:00 in Japan */
    visit->recorded_us = new_year_us;
    g_autofree char *id = add(fixture.db, visit, 1);
    MnbVisit place = {.people = (char *)"none"};
    g_assert_true(mnb_visit_put(fixture.db, id, &place, &error));
    g_assert_no_error(error);
    MnbRecording *abroad = fixture_recording("Water abroad", "");
    abroad->recorded_us = new_year_us - 1;
    abroad->duration_us = 3600 * (gint64)G_USEC_PER_SEC;
    g_free(add(fixture.db, abroad, 2));
    g_autoptr(MnbSearchResult) all = find(fixture.db, (MnbSearchQuery){.text = "water"});
    g_assert_cmpint(all->total, ==, 2);
    g_assert_cmpint(facet(all->facets[MNB_FACET_YEAR], "2025"), ==, 1);
    g_assert_cmpint(facet(all->facets[MNB_FACET_YEAR], "2024"), ==, 1);
    g_assert_cmpint(facet(all->facets[MNB_FACET_KIND], "site-visit"), ==, 1);
    g_assert_cmpint(facet(all->facets[MNB_FACET_KIND], "video"), ==, 1);
    g_assert_cmpint(facet(all->facets[MNB_FACET_LENGTH], "10-30"), ==, 1);
    g_assert_cmpint(facet(all->facets[MNB_FACET_LENGTH], "60-"), ==, 1);
    g_assert_cmpint(facet(all->facets[MNB_FACET_COUNTRY], "JP"), ==, 2);
    g_assert_cmpint(facet(all->facets[MNB_FACET_AREA], "municipal-finance"), ==, 1);
    g_autoptr(MnbSearchResult) second =
        find(fixture.db, (MnbSearchQuery){.filters = {"municipal-finance"}});
    g_assert_cmpint(second->total, ==, 1);
    g_autoptr(MnbSearchResult) two =
        find(fixture.db,
             (MnbSearchQuery){.filters = {[MNB_FACET_YEAR] = "2025", [MNB_FACET_KIND] = "video"}});
    g_assert_cmpint(two->total, ==, 0);
    g_assert_cmpint(facet(two->facets[MNB_FACET_YEAR], "2024"), ==, 1);
    g_assert_cmpint(facet(two->facets[MNB_FACET_KIND], "site-visit"), ==, 1);
    g_assert_cmpint(facet(two->facets[MNB_FACET_LENGTH], "60-"), ==, 0);
    fixture_close(&fixture);
}

static void say(MnbDb *db, const char *id, MnbMomentKind kind, const char *language, ...)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) moments = g_ptr_array_new();
    va_list texts;
    va_start(texts, language);
    for (int second = va_arg(texts, int); second >= 0; second = va_arg(texts, int)) {
        MnbMoment *moment = g_new0(MnbMoment, 1);
        moment->kind = kind;
        moment->language = g_strdup(language);
        moment->at_us = second * (gint64)G_USEC_PER_SEC;
        moment->end_us = moment->at_us + G_USEC_PER_SEC;
        moment->text = g_strdup(va_arg(texts, const char *));
        g_ptr_array_add(moments, moment);
    }
    va_end(texts);
    g_assert_true(mnb_moment_replace(db, id, kind, language, moments, &error));
    g_assert_no_error(error);
    for (guint i = 0; i < moments->len; i++)
        mnb_moment_free(moments->pdata[i]);
}

/* The moment of the only hit, as "kind@ms snippet"; "none" without; "N hits" for others. */
static char *moment_of(MnbDb *db, const char *text)
{
    g_autoptr(MnbSearchResult) result = find(db, (MnbSearchQuery){.text = text});
    if (result->total != 1)
        return g_strdup_printf("%u hits", result->total);
    const MnbSearchHit *hit = result->hits->pdata[0];
    if (hit->moment == NULL)
        return g_strdup("none");
    return g_strdup_printf("%s@%d %s", mnb_moment_kind_to_string(hit->moment->kind),
                           (int)(hit->moment->at_us / 1000), hit->moment_snippet);
}

static void assert_moment(MnbDb *db, const char *text, const char *expected)
{
    g_autofree char *found = moment_of(db, text);
    g_assert_cmpstr(found, ==, expected);
}

static void test_moments(void)
{
    Fixture fixture;
    fixture_open_db(&fixture);
    g_autofree char *id = add(fixture.db, fixture_recording("River works", "河川"), 1);
    g_free(add(fixture.db, fixture_recording("Another", ""), 2));
    say(fixture.db, id, MNB_MOMENT_CAPTION, "en", 5, "Pumps run day and night", 750,
        "The <levee> was raised", 800, "pumps on the levee", -1);
    say(fixture.db, id, MNB_MOMENT_CAPTION, "ja", 6, "ポンプは昼も夜も", 751, "堤防をかさ上げ", -1);
    say(fixture.db, id, MNB_MOMENT_CHAT, "", 30, "What does a spillway cost?", -1);
    assert_moment(fixture.db, "levee", "caption@750000 The &lt;<mark>levee</mark>&gt; was raised");
    assert_moment(fixture.db, "かさ上げ", "caption@751000 堤防を<mark>かさ上げ</mark>");
    assert_moment(fixture.db, "spillw", "chat@30000 What does a <mark>spillway</mark> cost?");
    /* The moment that has both, not the first that has one. */
    assert_moment(fixture.db, "pumps levee",
                  "caption@800000 <mark>pumps</mark> on the <mark>levee</mark>");
    /* One word in the title, the other said. */
    assert_moment(fixture.db, "river night", "caption@5000 Pumps run day and <mark>night</mark>");
    assert_moment(fixture.db, "river", "none");
    assert_moment(fixture.db, "drought", "0 hits");
    /* Captions that were replaced are not found. */
    say(fixture.db, id, MNB_MOMENT_CAPTION, "en", 9, "new words", -1);
    assert_moment(fixture.db, "levee", "0 hits");
    assert_moment(fixture.db, "new words", "caption@9000 <mark>new</mark> <mark>words</mark>");
    assert_moment(fixture.db, "堤防", "caption@751000 <mark>堤防</mark>をかさ上げ");
    fixture_close(&fixture);
}

/* What was cut out of the film is not there for a search either; times are those of the film. */
static void test_moments_and_cuts(void)
{
    g_autoptr(GError) error = NULL;
    Fixture fixture;
    fixture_open_db(&fixture);
    g_autofree char *id = add(fixture.db, fixture_recording("Meeting", ""), 1);
    say(fixture.db, id, MNB_MOMENT_CAPTION, "en", 5, "private breakfast", 65, "public lecture", -1);
    g_autofree char *path = g_build_filename(fixture.dir, "catalogue.db", NULL);
    g_autoptr(MnbDb) reader = mnb_db_open(path, MNB_DB_READER, &error);
    g_assert_no_error(error);
    assert_moment(reader, "breakfast", "caption@5000 private <mark>breakfast</mark>");
    assert_moment(reader, "lecture", "caption@65000 public <mark>lecture</mark>");
    g_autoptr(MnbRecording) recording = mnb_recording_find(fixture.db, id, &error);
    g_assert_no_error(error);
    g_free(recording->edit_made);
    recording->edit_made = g_strdup("[[60000,90000]]");
    g_assert_true(mnb_recording_update(fixture.db, recording, NOW_US, &error));
    g_assert_no_error(error);
    assert_moment(reader, "breakfast", "0 hits");
    assert_moment(reader, "lecture", "caption@5000 public <mark>lecture</mark>");
    g_clear_pointer(&reader, mnb_db_close);
    fixture_close(&fixture);
}

static void insert(MnbDb *db, const char *title, MnbRecordingState state, MnbAudience audience)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(MnbRecording) recording = fixture_recording(title, "");
    recording->state = state;
    recording->audience = audience;
    mnb_recording_insert(db, recording, NOW_US, &error);
    g_assert_no_error(error);
}

static void test_visibility(void)
{
    Fixture fixture;
    fixture_open_db(&fixture);
    insert(fixture.db, "secret one", MNB_RECORDING_PUBLISHED, MNB_AUDIENCE_PUBLIC);
    insert(fixture.db, "secret two", MNB_RECORDING_PUBLISHED, MNB_AUDIENCE_LINK);
    insert(fixture.db, "secret three", MNB_RECORDING_PUBLISHED, MNB_AUDIENCE_STAFF);
    insert(fixture.db, "secret four", MNB_RECORDING_DRAFT, MNB_AUDIENCE_PUBLIC);
    insert(fixture.db, "secret five", MNB_RECORDING_WITHDRAWN, MNB_AUDIENCE_PUBLIC);
    g_autoptr(MnbSearchResult) visitor = find(fixture.db, (MnbSearchQuery){.text = "secret"});
    g_assert_cmpint(visitor->total, ==, 1);
    for (int kind = 0; kind < MNB_FACETS; kind++)
        for (guint i = 0; i < visitor->facets[kind]->len; i++)
            g_assert_cmpint(((MnbFacet *)visitor->facets[kind]->pdata[i])->count, ==, 1);
    g_assert_cmpint(facet(visitor->facets[MNB_FACET_CITY], "40100"), ==, 1);
    g_autoptr(MnbSearchResult) tricked =
        find(fixture.db, (MnbSearchQuery){.has_state = TRUE, .state = MNB_RECORDING_DRAFT});
    g_assert_cmpint(tricked->total, ==, 1);
    g_assert_cmpint(((MnbSearchHit *)tricked->hits->pdata[0])->recording->state, ==,
                    MNB_RECORDING_PUBLISHED);
    g_autoptr(MnbSearchResult) staff =
        find(fixture.db, (MnbSearchQuery){.text = "secret", .staff = TRUE});
    g_assert_cmpint(staff->total, ==, 5);
    g_autoptr(MnbSearchResult) drafts =
        find(fixture.db,
             (MnbSearchQuery){.staff = TRUE, .has_state = TRUE, .state = MNB_RECORDING_DRAFT});
    g_assert_cmpint(drafts->total, ==, 1);
    fixture_close(&fixture);
}

/* A reader keeps its copy of what is counted; changes and removals must reach it. */
static void test_changes(void)
{
    g_autoptr(GError) error = NULL;
    Fixture fixture;
    fixture_open_db(&fixture);
    g_autofree char *path = g_build_filename(fixture.dir, "catalogue.db", NULL);
    g_autoptr(MnbDb) reader = mnb_db_open(path, MNB_DB_READER, &error);
    g_assert_no_error(error);
    g_autofree char *first = add(fixture.db, fixture_recording("Old title", ""), 1);
    g_autofree char *second = add(fixture.db, fixture_recording("Another", ""), 2);
    g_assert_cmpint(count(reader, "old"), ==, 1);
    g_assert_cmpint(count(reader, ""), ==, 2);
    g_autoptr(MnbRecording) recording = mnb_recording_find(fixture.db, first, &error);
    g_free(recording->title_en);
    recording->title_en = g_strdup("New title");
    mnb_recording_update(fixture.db, recording, NOW_US, &error);
    g_assert_no_error(error);
    g_assert_cmpint(count(reader, "old"), ==, 0);
    g_assert_cmpint(count(reader, "new"), ==, 1);
    g_assert_cmpint(count(reader, ""), ==, 2);
    mnb_recording_set_state(fixture.db, first, MNB_RECORDING_WITHDRAWN, NOW_US, &error);
    g_assert_no_error(error);
    g_assert_cmpint(count(reader, "new"), ==, 0);
    g_assert_cmpint(count(reader, ""), ==, 1);
    mnb_recording_remove(fixture.db, second, &error);
    g_assert_no_error(error);
    g_assert_cmpint(count(reader, ""), ==, 0);
    g_assert_cmpint(count(reader, "another"), ==, 0);
    g_free(add(fixture.db, fixture_recording("Third", ""), 3));
    g_assert_cmpint(count(reader, ""), ==, 1);
    g_clear_pointer(&reader, mnb_db_close);
    fixture_close(&fixture);
}

static void assert_snippet(const char *text, const char *query, const char *expected)
{
    g_autoptr(GPtrArray) words = mnb_cjk2_words(query, 12);
    g_autofree char *snippet = mnb_snippet(text, words);
    g_assert_cmpstr(snippet, ==, expected);
}

static void test_snippets(void)
{
    assert_snippet("Flood control works", "flood ", "<mark>Flood</mark> control works");
    assert_snippet("Flood control works", "cont", "Flood <mark>control</mark> works");
    assert_snippet("<b>\"A&B'</b> flood", "flood",
                   "&lt;b&gt;&quot;A&amp;B&#39;&lt;/b&gt; <mark>flood</mark>");
    assert_snippet("地域防災計画", "防災", "地域<mark>防災</mark>計画");
    assert_snippet("地域防災計画", "防災計画", "地域<mark>防災計画</mark>");
    assert_snippet("治水と水道", "水", "治<mark>水</mark>と<mark>水</mark>道");
    assert_snippet("ゴミとごみとｺﾞﾐ", "ごみ",
                   "<mark>ゴミ</mark>と<mark>ごみ</mark>と<mark>ｺﾞﾐ</mark>");
    assert_snippet("nothing here", "flood", NULL);
    assert_snippet("", "flood", NULL);
    assert_snippet("text", "", NULL);
    g_autofree char *before = g_strnfill(300, 'x');
    g_autofree char *text = g_strdup_printf("%s and the flood %s", before, before);
    g_autoptr(GPtrArray) words = mnb_cjk2_words("flood", 12);
    g_autofree char *snippet = mnb_snippet(text, words);
    g_assert_true(g_str_has_prefix(snippet, "…and the <mark>flood</mark> xxx"));
    g_assert_true(g_str_has_suffix(snippet, "x…"));
}

static void test_snippet_in_results(void)
{
    Fixture fixture;
    fixture_open_db(&fixture);
    MnbRecording *recording = fixture_recording("Night markets", "夜市");
    recording->description_en = g_strdup("How <Kitakyushu> runs them.");
    recording->description_ja = g_strdup("屋台の衛生管理を紹介。");
    g_free(add(fixture.db, recording, 1));
    g_autoptr(MnbSearchResult) result = find(fixture.db, (MnbSearchQuery){.text = "衛生"});
    MnbSearchHit *hit = result->hits->pdata[0];
    g_assert_cmpstr(hit->snippet_ja, ==, "屋台の<mark>衛生</mark>管理を紹介。");
    g_assert_null(hit->snippet_en);
    fixture_close(&fixture);
}

static void test_rebuild(void)
{
    g_autoptr(GError) error = NULL;
    Fixture fixture;
    fixture_open_db(&fixture);
    add_texts(fixture.db, "防災訓練", "", 1);
    mnb_db_exec(fixture.db, "INSERT INTO search(search) VALUES ('delete-all')", &error);
    g_assert_no_error(error);
    g_assert_cmpint(count(fixture.db, "訓練"), ==, 0);
    g_assert_true(mnb_search_rebuild(fixture.db, &error));
    g_assert_no_error(error);
    g_assert_cmpint(count(fixture.db, "訓練"), ==, 1);
    fixture_close(&fixture);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/recordings/search/finds-two-characters-in-mid-sentence", test_two_characters);
    g_test_add_func("/recordings/search/finds-either-kana", test_kana);
    g_test_add_func("/recordings/search/finds-in-either-language", test_either_language);
    g_test_add_func("/recordings/search/puts-titles-first-then-the-newest", test_order);
    g_test_add_func("/recordings/search/pages-neither-repeat-nor-skip", test_pages);
    g_test_add_func("/recordings/search/counts-by-area-and-city", test_facets);
    g_test_add_func("/recordings/search/counts-by-year-kind-length-and-country", test_more_facets);
    g_test_add_func("/recordings/search/tells-the-moment-that-matched", test_moments);
    g_test_add_func("/recordings/search/finds-no-moment-that-was-cut-out", test_moments_and_cuts);
    g_test_add_func("/recordings/search/shows-visitors-only-what-is-public", test_visibility);
    g_test_add_func("/recordings/search/sees-changes-and-removals", test_changes);
    g_test_add_func("/recordings/search/marks-words-in-escaped-text", test_snippets);
    g_test_add_func("/recordings/search/gives-a-snippet-in-the-language-that-matched",
                    test_snippet_in_results);
    g_test_add_func("/recordings/search/can-be-rebuilt", test_rebuild);
    return g_test_run();
}
