/// A column of categories that a model turns into vectors, which it learns.
package struct EmbeddedColumn: Sendable, Equatable {
  /// The name in the header.
  package let name: String
  /// The number of vectors: that of unknown levels, which is 0, and one a code.
  package let count: Int
  /// The number of values of a vector.
  package let width: Int

  package init(name: String, count: Int, width: Int) {
    self.name = name
    self.count = count
    self.width = width
  }

  /// The name of the model's input: the number of the vector.
  package var inputName: String { "category \(name)" }
}
