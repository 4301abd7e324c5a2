#include "recordings/language-names.h"

#include <glib.h>
#include <string.h>

static const struct {
    const char *tag, *names;
} languages[] = {
    {"en", "English / 英語"},
    {"ja", "Japanese / 日本語"},
    {"fr", "Français / フランス語"},
    {"es", "Español / スペイン語"},
    {"pt", "Português / ポルトガル語"},
    {"id", "Bahasa Indonesia / インドネシア語"},
    {"ms", "Bahasa Melayu / マレー語"},
    {"vi", "Tiếng Việt / ベトナム語"},
    {"th", "ไทย / タイ語"},
    {"lo", "ລາວ / ラオス語"},
    {"km", "ខ្មែរ / クメール語"},
    {"my", "မြန်မာ / ビルマ語"},
    {"tl", "Tagalog / タガログ語"},
    {"zh", "中文 / 中国語"},
    {"ko", "한국어 / 韓国語"},
    {"mn", "Монгол / モンゴル語"},
    {"ru", "Русский / ロシア語"},
    {"uz", "Oʻzbekcha / ウズベク語"},
    {"hi", "हिन्दी / ヒンディー語"},
    {"bn", "বাংলা / ベンガル語"},
    {"ne", "नेपाली / ネパール語"},
    {"si", "සිංහල / シンハラ語"},
    {"ur", "اردو / ウルドゥー語"},
    {"ar", "العربية / アラビア語"},
    {"sw", "Kiswahili / スワヒリ語"},
    {"am", "አማርኛ / アムハラ語"},
};

const char *mnb_language_names(const char *tag)
{
    if (*tag == '\0')
        return "Original / 原語";
    gsize primary = strcspn(tag, "-");
    for (gsize i = 0; i < G_N_ELEMENTS(languages); i++)
        if (strlen(languages[i].tag) == primary &&
            g_ascii_strncasecmp(languages[i].tag, tag, primary) == 0)
            return languages[i].names;
    for (const char *c = tag; *c != '\0'; c++)
        if (!g_ascii_isalnum(*c) && *c != '-')
            return "Language";
    return tag;
}
