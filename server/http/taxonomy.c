/* Thematic areas and cities. */
#include "recordings/taxonomy.h"
#include "server/http/api.h"

void mnb_api_areas(MnbHttpRequest *request)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) areas = mnb_area_list(mnb_http_request_db(request), &error);
    if (areas == NULL) {
        mnb_http_request_answer_error(request, error);
        return;
    }
    json_t *items = json_array();
    for (guint i = 0; i < areas->len; i++) {
        const MnbArea *area = g_ptr_array_index(areas, i);
        json_array_append_new(items, json_pack("{s:s, s:s, s:s, s:i}", "code", area->code,
                                               "name_en", area->name_en, "name_ja", area->name_ja,
                                               "recordings", area->n_recordings));
    }
    mnb_http_request_answer_json(request, 200, json_pack("{s:o}", "items", items));
}

void mnb_api_cities(MnbHttpRequest *request)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) cities = mnb_city_list(mnb_http_request_db(request), &error);
    if (cities == NULL) {
        mnb_http_request_answer_error(request, error);
        return;
    }
    json_t *items = json_array();
    for (guint i = 0; i < cities->len; i++) {
        const MnbCity *city = g_ptr_array_index(cities, i);
        json_array_append_new(items, json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:i}", "code",
                                               city->code, "name_en", city->name_en, "name_ja",
                                               city->name_ja, "prefecture_en", city->prefecture_en,
                                               "prefecture_ja", city->prefecture_ja, "country",
                                               city->country, "recordings", city->n_recordings));
    }
    mnb_http_request_answer_json(request, 200, json_pack("{s:o}", "items", items));
}
