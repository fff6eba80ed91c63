/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A shared library with next to nothing in it. */
int nothing(void);

int nothing(void)
{
    return 0;
}
