/// Arrays of one shape, and how their values become numbers.
package struct ArrayDescription: Sendable, Equatable {
  /// (x − mean) / deviation, a value a channel or one for all.
  package struct Normalization: Sendable, Equatable {
    /// What is subtracted.
    package var mean: [Double]
    /// What is divided by then.
    package var deviation: [Double]

    /// (x − mean) / deviation.
    package init(mean: [Double], deviation: [Double]) {
      self.mean = mean
      self.deviation = deviation
    }
  }

  /// The shape of one example, `[channels, height, width]` for images.
  package var shape: [Int]
  /// The type of the stored elements. Unsigned bytes are divided by 255 first.
  package var element: ArrayElement
  /// What becomes of the values; what a channel is, is the first axis.
  package var normalization: Normalization
  /// Normalisations of the results, in their order.
  package var further: [Normalization]
  /// How examples lie in files.
  package var layout = ArrayLayout()

  package init(
    shape: [Int], element: ArrayElement, normalization: Normalization,
    further: [Normalization] = []
  ) {
    self.shape = shape
    self.element = element
    self.normalization = normalization
    self.further = further
  }
}

/// How examples lie in files.
package struct ArrayLayout: Sendable, Equatable {
  /// Whether an image's channels are its last axis, [h, w, c], and not its first.
  package var isChannelsLast = false
  /// Whether files are numbers alone, without a header that says shape and type.
  package var isHeaderless = false
  /// Whose records files hold, where they are CIFAR's.
  package var records: CIFARRecords?
  /// How images come to their size, where files are pictures.
  package var fit: ImageFit?

  /// Whether integer labels are numbers to predict, and not classes.
  package var integersAreValues = false

  package init() {}
}
