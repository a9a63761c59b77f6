/// What one of several heads of a model predicts of a table's rows.
package struct TableHead: Sendable {
  /// What the head is called in metrics and predictions.
  package let name: String
  /// The targets' columns: one, or several numbers or labels.
  package let columns: [String]
  /// What the target means.
  package let kind: TargetKind
  /// The classes, where they are not to be taken from the training part.
  package let classes: ClassNames?
  /// Whether a target of numbers is brought to mean 0 and deviation 1.
  package let standardizes: Bool

  package init(
    name: String, columns: [String], kind: TargetKind, classes: ClassNames? = nil,
    standardizes: Bool = false
  ) {
    self.name = name
    self.columns = columns
    self.kind = kind
    self.classes = classes
    self.standardizes = standardizes
  }
}

extension HeadDescription {
  /// The head of a table that training learned this of.
  var tableHead: TableHead {
    TableHead(name: name, columns: target.columns, kind: target.tableKind)
  }
}
