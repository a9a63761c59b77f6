import LockstepFiles

extension ColumnEncoding {
  /// The cell that became these inputs, as nearly as they tell.
  func text(of inputs: [Float]) -> String {
    // An indicator, and an input of one level, says so behind the `=` of its name.
    let told = zip(suffixes, inputs).first { $0.hasPrefix("=") && $1 != 0 }
    if let told { return String(told.0.dropFirst()) }
    switch self {
    case .number(let number):
      return inputs.first.map { Self.text(Double($0) * number.deviation + number.mean) } ?? ""
    case .category: return "(none of the known)"
    case .boolean: return inputs.first == 0 ? "no" : "yes"
    case .date(let date):
      return zip(date.parts, inputs).map { part, input in
        "\(part.part.rawValue) \(Self.text(Double(input) * part.scale.deviation + part.scale.mean))"
      }.joined(separator: ", ")
    }
  }

  /// Inputs have seven digits, and lost some when they were standardised.
  private static func text(_ value: Double) -> String { readable(value, digits: 6) }
}
