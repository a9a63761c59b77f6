/// What training learned about the target of one of several heads.
package struct HeadDescription: Sendable, Equatable {
  /// What the head is called in metrics and predictions.
  package let name: String
  /// What it predicts.
  package let target: TargetDescription

  package init(name: String, target: TargetDescription) {
    self.name = name
    self.target = target
  }

  /// The name of the field of a head's labels; the first one's is that of any label.
  package static func labelField(_ name: String, at index: Int) -> String {
    index == 0 ? ExampleField.labelName : "\(ExampleField.labelName).\(name)"
  }
}
