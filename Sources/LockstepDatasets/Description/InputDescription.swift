import LockstepFiles

/// What the inputs of a run are.
package enum InputDescription: Sendable, Equatable {
  /// Columns of a table, matched by name.
  case columns(ColumnsDescription)
  /// Arrays of one shape: images, signals.
  case array(ArrayDescription)
  /// Windows of tokens.
  case tokens(TokensDescription)
  /// Series of steps, or windows of them.
  case series(SeriesDescription)
  /// Texts, a row each.
  case texts(TextsDescription)

  /// Changes how tables are written; there are none of other inputs.
  package mutating func setDialect(_ change: (inout CSVDialect) -> Void) {
    switch self {
    case .columns(var table):
      change(&table.dialect)
      self = .columns(table)
    case .series(var series):
      change(&series.table.dialect)
      self = .series(series)
    case .texts(var texts):
      change(&texts.dialect)
      self = .texts(texts)
    case .array, .tokens: break
    }
  }
}

extension InputDescription {
  var json: JSONValue {
    switch self {
    case .columns(let table): table.json
    case .array(let array): array.json
    case .tokens(let tokens): tokens.json
    case .series(let series): series.json
    case .texts(let texts): texts.json
    }
  }

  init?(_ json: JSONValue) {
    switch json["kind"]?.stringValue {
    case "columns":
      guard let table = ColumnsDescription(json) else { return nil }
      self = .columns(table)
    case ArrayDescription.kind:
      guard let array = ArrayDescription(json) else { return nil }
      self = .array(array)
    case TokensDescription.kind:
      guard let tokens = TokensDescription(json) else { return nil }
      self = .tokens(tokens)
    case SeriesDescription.kind:
      guard let series = SeriesDescription(json) else { return nil }
      self = .series(series)
    case TextsDescription.kind:
      guard let texts = TextsDescription(json) else { return nil }
      self = .texts(texts)
    default: return nil
    }
  }
}
