import LockstepFiles

/// Lists of names in messages about tables.
enum TableText {
  /// A few names in quotes, and how many more there are.
  static func list(_ names: [String]) -> String {
    names.prefix(8).map(\.quoted).joined(separator: ", ")
      + (names.count > 8 ? " and \(names.count - 8) more" : "")
  }
}
