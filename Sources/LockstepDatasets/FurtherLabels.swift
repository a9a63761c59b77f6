// Labels of several heads of a model.

extension Dataset {
  /// What another head of a model is compared with.
  package struct FurtherLabels: Sendable {
    /// The name of the field, unique among those of the data set.
    package let field: String
    /// The labels of all examples.
    package let labels: Labels

    package init(field: String, labels: Labels) {
      self.field = field
      self.labels = labels
    }
  }

  /// The number of examples that have labels, once these are checked.
  static func checkedCount(
    _ labels: Labels, _ name: String
  ) throws(DatasetError) -> Int {
    switch labels {
    case .classes(let classes, let count):
      guard count > 0, count <= Int(Int32.max) else {
        throw DatasetError(name, "has \(count) classes; expected 1...\(Int32.max)")
      }
      if let index = classes.firstIndex(where: { $0 < 0 || Int($0) >= count }) {
        throw DatasetError(
          name, "the label of example \(index) is \(classes[index]); expected 0...\(count - 1)")
      }
      return classes.count
    case .targets(let values, let width):
      guard width > 0, values.count.isMultiple(of: width) else {
        throw DatasetError(name, "\(values.count) target values are no rows of \(width)")
      }
      return values.count / width
    }
  }

  /// The data set with the labels of one head in the place of the first.
  func head(_ index: Int) -> Dataset {
    var dataset = self
    if index > 0 { dataset.labels = further[index - 1].labels }
    return dataset
  }
}
