import LockstepCatalog
import LockstepDatasets
import LockstepFiles

extension [Hyperparameter] {
  /// How a table is written.
  static var dialect: Self {
    [
      .with(
        "delimiter", .text, ",",
        "the character between cells: one, 'tab', or 'auto' to find it out"),
      .with("quote", .text, "\"", "the character around cells that hold delimiters; '' for none"),
      .with("decimal", DecimalMark.point, "what stands in front of fractions"),
      .optional("comment", .text, "the character that begins lines that are passed over"),
      .with(
        "header", .boolean, true,
        "whether the first row names the columns; if not, they are column_1, column_2, …"),
    ]
  }

  /// The keys of ``dialect``.
  static var dialectKeys: Set<String> { Set(dialect.map(\.key)) }
}

/// What stands in front of fractions.
private enum DecimalMark: String, CaseIterable, HyperparameterValue {
  case point = "."
  case comma = ","
}

extension CSVDialect {
  /// What the keys of ``Swift/Array/dialect`` say.
  init(_ values: Hyperparameters) throws(ConfigurationError) {
    func character(_ key: String, _ text: String) throws(ConfigurationError) -> Unicode.Scalar {
      guard text.unicodeScalars.count == 1, let scalar = text.unicodeScalars.first else {
        throw values.error(key, "must be one character; found '\(text)'")
      }
      return scalar
    }
    let (delimiter, quote): (String, String) = (values["delimiter"], values["quote"])
    let mark: DecimalMark = values["decimal"]
    self.init(hasDecimalComma: mark == .comma, hasHeader: values["header"])
    self.delimiter =
      switch delimiter {
      case "auto": nil
      case "tab": "\t"
      default: try character("delimiter", delimiter)
      }
    self.quote = quote.isEmpty ? nil : try character("quote", quote)
    if let text: String = values["comment"] { comment = try character("comment", text) }
    if hasDecimalComma, self.delimiter == "," {
      throw values.error(
        "decimal", "is ',', and so is the delimiter; set 'delimiter' to ';', 'tab' or 'auto'")
    }
    if let problem { throw values.error("delimiter", "cannot be used: \(problem)") }
  }
}
