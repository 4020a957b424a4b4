"""What the lexical engine keeps of a passage, and how a text becomes words."""

from tantivy import Filter, Schema, SchemaBuilder, TextAnalyzer, TextAnalyzerBuilder, Tokenizer

TOKENIZER = "english"
_LONGEST_WORD = 64


def _schema() -> Schema:
    builder = SchemaBuilder()
    builder.add_unsigned_field("slot", indexed=True, fast=True)
    builder.add_text_field("words", tokenizer_name=TOKENIZER, index_option="freq")
    return builder.build()


def _analyzer() -> TextAnalyzer:
    builder = TextAnalyzerBuilder(Tokenizer.simple()).filter(Filter.remove_long(_LONGEST_WORD))
    return (
        builder.filter(Filter.lowercase())
        .filter(Filter.stopword("english"))
        .filter(Filter.stemmer("english"))
        .build()
    )


SCHEMA = _schema()
ANALYZER = _analyzer()
