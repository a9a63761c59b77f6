/// What arrays mean, before anything is fitted.
package struct ArrayOptions: Sendable {
  /// How the values become numbers.
  package enum Normalization: Sendable {
    /// By these means and deviations, a value a channel or one for all.
    case given(ArrayDescription.Normalization)
    /// By those of the training part, channel by channel.
    case fitted
    /// They stay what they are; unsigned bytes are divided by 255.
    case none
  }

  /// Where examples are while a run uses them.
  package enum Storage: String, Sendable, CaseIterable {
    /// In memory where they take at most 256 MiB as they are stored, else in their files.
    case automatic
    /// In memory.
    case memory
    /// In their files, from which they are read when they are needed.
    case files
  }

  /// The number of classes; nil for the largest label plus one.
  package var classCount: Int?
  /// How the values become numbers.
  package var normalization = Normalization.fitted
  /// Normalisations of the results.
  package var further: [ArrayDescription.Normalization] = []
  /// Where examples are.
  package var storage = Storage.automatic
  /// What labels are; nil for classes where they are integers, else values.
  package var targetKind: TargetKind?
  /// How examples lie in files.
  package var layout = ArrayLayout()

  /// Values normalised by the training part, and as many classes as there are labels.
  package init() {}
}
