/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* An almost empty shared library. */
int nothing(void);

int nothing(void)
{
    return 0;
}
