/** Put in by tools/build.mjs: style sheet name -> hashed address. */
declare const STYLE_URLS: Readonly<Record<string, string>>;
/** True only in a build made with MANABI_TEST=1. */
declare const IS_TEST_BUILD: boolean;
